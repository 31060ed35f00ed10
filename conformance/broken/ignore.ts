/** For what a broken server leaves undone: its node may have ended meanwhile. */
export function ignore(): void {
    // Nobody is there to be told.
}
