import { Script } from '../script.js';

/*
 * The lease of a node (KEYS[1]) is a string that exists while the lease runs, and counts the messages sent to the node. Each message is
 * an entry <count>-1 of a Redis stream (KEYS[2]) with the field m, so a gap in the counts shows the receiver that messages were lost.
 */

/** KEYS: lease, inbox. ARGV: lease in milliseconds. */
export const joinInbox = new Script(`
redis.call('SET', KEYS[1], 0, 'PX', ARGV[1])
redis.call('UNLINK', KEYS[2])
return 1
`);

/** KEYS: lease, inbox. ARGV: most messages, milliseconds that an inbox lives after its last message, messages. Returns 0 if dead. */
export const sendMessages = new Script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if #ARGV == 2 then return 1 end
local count = redis.call('INCRBY', KEYS[1], #ARGV - 2)
for i = 3, #ARGV do
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], string.format('%.0f-1', count - #ARGV + i), 'm', ARGV[i])
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`);
