import { corruptMarker, mixedWritingMarker } from '../errors.js';
import { Script } from '../script.js';

/*
 * Each event is an entry of a Redis stream (KEYS[4]) with the fields
 *   p  id of the event before it in the stream; "-" if it is the first, "?" if that was forgotten
 *   d  data
 * and the id <number>-1 if it was appended, <milliseconds>-<n> if it was published. Whatever trims a stream, the oldest entry that is
 * left tells what was the last to go. So a reader learns exactly whether it missed something, from the entries that it reads anyway.
 *
 * What must outlive the events is in the hash of the session's streams (KEYS[2]), with the fields
 *   e:<stream>  what is known of a stream, as text:
 *               <a|p> <id of the newest event, or "-"> <when its time is over, in milliseconds> <who closed it; empty if open>
 *   h:<stream>  its holder
 *   q           set if streams of the session were forgotten
 *   z           set if there are many streams, and of no other meaning
 * A sorted set (KEYS[3]) has the names of the streams in the order in which they are given up if there are too many: closed ones first,
 * then open ones, and of these the one that was written longest ago. Both expire with the hash of the session (KEYS[1]).
 */

/** Number of streams that are remembered after their time, so that whoever comes late still gets an exact answer. */
const fewStreams = 32;
/** More than any time in milliseconds: what is added to the time of the last write to rank open streams behind closed ones. */
const openRank = 1e14;

const common = `
local missing, ok, closed, trimmed = 0, 1, 2, 3

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function parseId(id)
    local first, second = string.match(id, '^(%d+)-(%d+)$')
    if not first then error('${corruptMarker}: position') end
    return tonumber(first), tonumber(second)
end

-- Whether event a comes after event b.
local function isLater(a, b)
    local aFirst, aSecond = parseId(a)
    local bFirst, bSecond = parseId(b)
    return aFirst > bFirst or (aFirst == bFirst and aSecond > bSecond)
end

local function parseStream(text)
    if not text then return nil end
    local kind, newest, endsAt, closer = string.match(text, '^([ap]) (%S+) (%d+) (%S*)$')
    if not kind then error('${corruptMarker}: stream') end
    return { kind = kind, newest = newest, endsAt = tonumber(endsAt), closer = closer }
end

local function sessionExists()
    return redis.call('HEXISTS', KEYS[1], 'v') == 1
end
`;

/** Bounds what is kept of a session's streams, at a cost that does not grow with their number. */
const forget = `
local function forgetStream(id, keyBase)
    redis.call('HDEL', KEYS[2], 'e:' .. id, 'h:' .. id)
    redis.call('HSET', KEYS[2], 'q', 1)
    redis.call('ZREM', KEYS[3], id)
    redis.pcall('UNLINK', keyBase .. id)
end

local function forgetIfOver(id, time, keyBase)
    local fields = redis.call('HMGET', KEYS[2], 'e:' .. id, 'h:' .. id)
    local stream, held = parseStream(fields[1]), fields[2]
    if held or not stream or stream.endsAt > time then return false end
    forgetStream(id, keyBase)
    return true
end

-- The first in order, but rather one that nobody holds, and in no case the one that is being written.
local function leastMissed(current)
    local first
    for _, id in ipairs(redis.call('ZRANGE', KEYS[3], 0, 7)) do
        if id ~= current then
            if redis.call('HEXISTS', KEYS[2], 'h:' .. id) == 0 then return id end
            first = first or id
        end
    end
    return first
end

-- To be called when a stream was added to KEYS[3].
local function registered(current, time, keyBase, limit)
    local count = redis.call('ZCARD', KEYS[3])
    if count == 1 then
        local sessionTtl = math.max(1, redis.call('PTTL', KEYS[1]))
        redis.call('PEXPIRE', KEYS[2], sessionTtl)
        redis.call('PEXPIRE', KEYS[3], sessionTtl)
    end
    if count <= ${fewStreams} then return end
    -- A long value has Redis change to a table, while it would search a list of short ones from its start for each field.
    if count == ${2 * fewStreams} then redis.call('HSET', KEYS[2], 'z', string.rep('-', 100)) end
    -- Two for one that is new, so that there are fewer and fewer.
    for _, rank in ipairs({ 0, ${openRank} }) do
        for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], rank, '+inf', 'LIMIT', 0, 2)) do
            if not forgetIfOver(id, time, keyBase) then break end
            count = count - 1
        end
    end
    for _ = 1, count - limit do
        local id = leastMissed(current)
        if id then forgetStream(id, keyBase) end
    end
end
`;

/** What append and publish share. ARGV: stream id, ttl, most events, what the keys of events begin with, most streams, then their own. */
const write = `
local id, ttl, maxEvents = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

local function startWriting(kind, time)
    local fields = redis.call('HMGET', KEYS[2], 'e:' .. id, 'h:' .. id, 'q')
    local stream = parseStream(fields[1])
    if stream then
        if stream.kind ~= kind then error('${mixedWritingMarker}') end
        stream.previous = stream.newest
    else
        stream = { kind = kind, newest = '-', closer = '', isNew = true }
        stream.previous = fields[3] and '?' or '-'
    end
    stream.holder = fields[2]
    if stream.isNew or stream.endsAt <= time then
        -- Events under this name are left from an earlier session, or from a stream that was forgotten or whose time is over. Looked for,
        -- as removing is a write: Redis refuses the first event when its memory is full, but lets a script finish that has written already.
        if redis.call('EXISTS', KEYS[4]) == 1 then redis.call('UNLINK', KEYS[4]) end
    end
    return stream
end

local function add(stream, entry, data)
    redis.call('XADD', KEYS[4], entry, 'p', stream.previous, 'd', data)
    stream.previous, stream.newest = entry, entry
end

local function finishWriting(stream, time)
    local endsAt = string.format('%.0f', time + ttl)
    redis.call('HSET', KEYS[2], 'e:' .. id, stream.kind .. ' ' .. stream.newest .. ' ' .. endsAt .. ' ' .. stream.closer)
    -- Trimmed a good number at a time.
    if redis.call('XLEN', KEYS[4]) > maxEvents + math.floor(maxEvents / 10) then
        redis.call('XTRIM', KEYS[4], 'MAXLEN', maxEvents)
    end
    redis.call('PEXPIRE', KEYS[4], ttl)
    redis.call('ZADD', KEYS[3], stream.closer == '' and ${openRank} + time or time, id)
    if stream.isNew then registered(id, time, ARGV[4], tonumber(ARGV[5])) end
end
`;

/** KEYS: session, streams, order, events. ARGV: see {@link write}, then who closes the stream or empty, then numbers and data. */
export const appendEvents = new Script(`${common}${forget}${write}
if not sessionExists() then return { missing } end
local time = now()
local stream = startWriting('a', time)
if stream.closer ~= '' then
    -- The same closing append, repeated because its connection broke before the answer came.
    if stream.closer == ARGV[6] then return { ok, stream.holder } end
    return { closed }
end
local newest = stream.newest == '-' and -1 or parseId(stream.newest)
local written = false
for i = 7, #ARGV, 2 do
    local number = tonumber(ARGV[i])
    if number > newest then
        add(stream, ARGV[i] .. '-1', ARGV[i + 1])
        newest, written = number, true
    end
end
stream.closer = ARGV[6]
if written or stream.closer ~= '' then finishWriting(stream, time) end
return { ok, stream.holder }
`);

/** KEYS: session, streams, order, events. ARGV: see {@link write}, then data. Returns the holder, the position before, and the positions. */
export const publishEvents = new Script(`${common}${forget}${write}
if not sessionExists() then return { missing } end
local time = now()
local stream = startWriting('p', time)
local reply = { ok, stream.holder, stream.newest }
if #ARGV == 5 then return reply end
-- The clock makes the positions, but they grow even if it is set back.
local first, second = 0, 0
if stream.newest ~= '-' then first, second = parseId(stream.newest) end
for i = 6, #ARGV do
    if time > first then first, second = time, 0 else second = second + 1 end
    local entry = string.format('%.0f-%.0f', first, second)
    add(stream, entry, ARGV[i])
    reply[#reply + 1] = entry
end
redis.call('XTRIM', KEYS[4], 'MINID', '~', string.format('%.0f', math.max(0, time - ttl)))
finishWriting(stream, time)
return reply
`);

/**
 * KEYS: session, streams, order, events. ARGV: stream id, id of the event to read after or "-" for none or "?" for one that never was, limit.
 * Returns ok, whether the stream is closed and this is its end, its kind, and ids and data.
 */
export const readEvents = new Script(`${common}
local id, after = ARGV[1], ARGV[2]
if not sessionExists() then return { missing } end
local fields = redis.call('HMGET', KEYS[2], 'e:' .. id, 'h:' .. id)
local stream, held = parseStream(fields[1]), fields[2]
if not stream then
    if held then return { ok, 0, 'a' } end
    return { missing }
end
if stream.endsAt <= now() and not held then return { missing } end
if after == '?' then return { trimmed } end

local from = after == '-' and '-' or '(' .. after
local entries = redis.call('XRANGE', KEYS[4], from, '+', 'COUNT', ARGV[3])
if #entries == 0 then
    if stream.newest ~= '-' then
        if after ~= '-' then
            if isLater(stream.newest, after) then return { trimmed } end
        elseif not held then
            return { missing }
        end
    end
elseif after ~= '-' then
    local previous = entries[1][2][2]
    if previous == '?' or (previous ~= '-' and isLater(previous, after)) then return { trimmed } end
end

local last = #entries == 0 and stream.newest or entries[#entries][1]
local reply = { ok, stream.closer ~= '' and last == stream.newest and 1 or 0, stream.kind }
for _, entry in ipairs(entries) do
    reply[#reply + 1] = entry[1]
    reply[#reply + 1] = entry[2][4]
end
return reply
`);

/** KEYS: session, streams, order. ARGV: stream id, holder, what the keys of events begin with, most streams. Returns the holder before. */
export const holdStream = new Script(`${common}${forget}
if not sessionExists() then return { missing } end
local id = ARGV[1]
local previous = redis.call('HGET', KEYS[2], 'h:' .. id)
redis.call('HSET', KEYS[2], 'h:' .. id, ARGV[2])
if not previous then
    local time = now()
    redis.call('ZADD', KEYS[3], 'NX', ${openRank} + time, id)
    registered(id, time, ARGV[3], tonumber(ARGV[4]))
end
return { ok, previous }
`);

/** KEYS: streams, order. ARGV: stream id, holder, successor or empty. */
export const releaseStream = new Script(`
local field = 'h:' .. ARGV[1]
if redis.call('HGET', KEYS[1], field) ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then
    redis.call('HSET', KEYS[1], field, ARGV[3])
else
    redis.call('HDEL', KEYS[1], field)
    -- A stream that was only held leaves nothing.
    if redis.call('HEXISTS', KEYS[1], 'e:' .. ARGV[1]) == 0 then redis.call('ZREM', KEYS[2], ARGV[1]) end
end
return 1
`);
