import { corruptMarker } from '../errors.js';
import { Script } from '../script.js';

/*
 * The hash of a session (KEYS[1]) has the fields
 *   r         record
 *   v         revision; a hash without it is no session
 *   p         principal behind a "=", so that the empty one differs from none; absent for none
 *   x         latest end of the session, in milliseconds of the server's clock; absent for none
 *   s:<name>  state
 *   n:<node>  a node with a live copy, and when it opened the session, in milliseconds of the server's clock
 *
 * What is known of its streams (KEYS[2] and KEYS[3], see streamScripts.ts) always expires at the same time as it does.
 */

/** Most nodes remembered of a session. Only processes that died without leaving fill it up, and those that opened it last matter. */
const maxNodes = 1024;

const common = `
local missing, forbidden = 0, -1

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function revisionOf(text)
    local revision = tonumber(text)
    if not revision then error('${corruptMarker}: revision') end
    return revision
end
`;

/** Never shortens a life, and never lets it exceed the latest end. */
const renew = `
local function renew(latestEnd, ttl)
    if latestEnd then ttl = math.min(ttl, latestEnd - now()) end
    if ttl > redis.call('PTTL', KEYS[1]) then
        redis.call('PEXPIRE', KEYS[1], ttl)
        redis.call('PEXPIRE', KEYS[2], ttl)
        redis.call('PEXPIRE', KEYS[3], ttl)
    end
end
`;

/** KEYS: session, streams, order. ARGV: record, principal, node, ttl, maximum age or empty, then names and values of the state. */
export const createSession = new Script(`${common}
if redis.call('HLEN', KEYS[1]) > 0 then
    if redis.call('HEXISTS', KEYS[1], 'v') == 0 then error('${corruptMarker}: session') end
    return 0
end
local ttl = tonumber(ARGV[4])
-- The first write must be one that Redis refuses when its memory is full; it lets a script finish that has written already.
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'v', 1)
redis.call('UNLINK', KEYS[2], KEYS[3])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'p', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'n:' .. ARGV[3], now()) end
if ARGV[5] ~= '' then
    local maxAge = tonumber(ARGV[5])
    redis.call('HSET', KEYS[1], 'x', now() + maxAge)
    ttl = math.min(ttl, maxAge)
end
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], 's:' .. ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ttl)
return 1
`);

/** KEYS: session, streams, order. ARGV: principal, ttl. Returns the revision, 0 if missing, -1 if forbidden. */
export const touchSession = new Script(`${common}${renew}
local session = redis.call('HMGET', KEYS[1], 'v', 'p', 'x')
if not session[1] then return missing end
if (session[2] or '') ~= ARGV[1] then return forbidden end
renew(session[3], tonumber(ARGV[2]))
return revisionOf(session[1])
`);

/** KEYS: session, streams, order. ARGV: principal, ttl, node or empty. Returns the revision, the record, and names and values of the state. */
export const openSession = new Script(`${common}${renew}
local session = redis.call('HMGET', KEYS[1], 'v', 'p', 'x', 'r')
if not session[1] then return { missing } end
if (session[2] or '') ~= ARGV[1] then return { forbidden } end
if not session[4] then error('${corruptMarker}: record') end
renew(session[3], tonumber(ARGV[2]))
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'n:' .. ARGV[3], now()) end
local reply = { revisionOf(session[1]), session[4] }
local nodes = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
    local kind = string.sub(fields[i], 1, 2)
    if kind == 's:' then
        reply[#reply + 1] = string.sub(fields[i], 3)
        reply[#reply + 1] = fields[i + 1]
    elseif kind == 'n:' then
        nodes[#nodes + 1] = { fields[i], tonumber(fields[i + 1]) or 0 }
    end
end
if #nodes > ${maxNodes} then
    table.sort(nodes, function(a, b) return a[2] < b[2] end)
    for i = 1, #nodes - ${maxNodes} do redis.call('HDEL', KEYS[1], nodes[i][1]) end
end
return reply
`);

/** KEYS: session. ARGV: names and values of the state. Returns the new revision, 0 if missing. */
export const updateSession = new Script(`${common}
if redis.call('HEXISTS', KEYS[1], 'v') == 0 then return missing end
for i = 1, #ARGV, 2 do redis.call('HSET', KEYS[1], 's:' .. ARGV[i], ARGV[i + 1]) end
return redis.call('HINCRBY', KEYS[1], 'v', 1)
`);

/** Milliseconds for which a deletion can be repeated by who did it. */
const deletionMemoryMs = 10_000;

/**
 * KEYS: session, streams, order, deletion. ARGV: principal, a token of the caller, what the keys of events begin with. Returns 1 and the nodes,
 * 0 if missing, -1 if forbidden.
 *
 * A caller whose connection broke before the answer came asks again with the same token, and still gets the nodes to tell.
 *
 * The keys of events can't be named beforehand; they lie in the slot of the session, which is all that Redis asks for. Where a server
 * is stricter, they are left to expire: without their entry in KEYS[2] nobody reads them any more.
 */
export const deleteSession = new Script(`${common}
local session = redis.call('HMGET', KEYS[1], 'v', 'p')
if not session[1] then
    local deletion = redis.call('LRANGE', KEYS[4], 0, -1)
    if deletion[1] ~= ARGV[2] then return { missing } end
    deletion[1] = 1
    return deletion
end
if (session[2] or '') ~= ARGV[1] then return { forbidden } end
redis.call('UNLINK', KEYS[4])
redis.call('RPUSH', KEYS[4], ARGV[2])
local reply = { 1 }
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 2) == 'n:' then
        reply[#reply + 1] = string.sub(field, 3)
        redis.call('RPUSH', KEYS[4], reply[#reply])
    end
end
redis.call('PEXPIRE', KEYS[4], ${deletionMemoryMs})
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(field, 1, 2) == 'e:' then redis.pcall('UNLINK', ARGV[3] .. string.sub(field, 3)) end
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
return reply
`);
