import { Script } from '../script.js';

/*
 * The lease of a node (KEYS[1]) is a hash that exists while the lease runs, with the fields
 *   e  when the node joined, in milliseconds of the server's clock
 *   n  how many messages were sent to it since
 * Each message is an entry <e>-<n> of a Redis stream (KEYS[2]) with the field m. So a gap shows the receiver that messages were lost,
 * and a receiver that was running when its node joined anew finds what is sent then behind what it has got before.
 */

/** KEYS: lease, inbox. ARGV: lease in milliseconds. */
export const joinInbox = new Script(`
local time = redis.call('TIME')
local joined = time[1] * 1000 + math.floor(time[2] / 1000)
joined = math.max(joined, (tonumber(redis.call('HGET', KEYS[1], 'e')) or 0) + 1)
redis.call('HSET', KEYS[1], 'e', string.format('%.0f', joined), 'n', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('UNLINK', KEYS[2])
return 1
`);

/** KEYS: leases. Returns for each whether it runs. */
export const findLeases = new Script(`
local reply = {}
for i, key in ipairs(KEYS) do reply[i] = redis.call('EXISTS', key) end
return reply
`);

/** KEYS: lease, inbox. ARGV: most messages, milliseconds that an inbox lives after its last message, messages. Returns 0 if dead. */
export const sendMessages = new Script(`
local joined = redis.call('HGET', KEYS[1], 'e')
if not joined then return 0 end
if #ARGV == 2 then return 1 end
local count = redis.call('HINCRBY', KEYS[1], 'n', #ARGV - 2)
for i = 3, #ARGV do
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], string.format('%s-%.0f', joined, count - #ARGV + i), 'm', ARGV[i])
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
`);
