/** Runs an action for each item, at most `limit` at a time, and beginning in order. Rejects when one does, after all that run have ended. */
export async function concurrently<Item>(items: readonly Item[], limit: number, action: (item: Item) => Promise<void>): Promise<void> {
    const waiting = items.values();
    const failures: unknown[] = [];
    const worker = async () => {
        for (const item of waiting) {
            if (failures.length > 0) {
                return;
            }
            await action(item).catch((error: unknown) => failures.push(error));
        }
    };
    await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
    if (failures.length > 0) {
        throw failures[0];
    }
}
