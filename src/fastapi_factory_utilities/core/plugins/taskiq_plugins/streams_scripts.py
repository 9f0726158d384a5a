"""What has to happen at one moment, as Redis scripts: nothing is ever half sent, half settled or half moved.

Redis takes nothing back of a script that fails, so each adds first and removes afterwards.

Keys of a queue (its name is in braces, so that they live in one slot):

- `stream`: every task that waits or runs, an entry each (`id`, `name`, `data`), removed when it is settled.
- `index`: a hash from a task's id to its entry, or to `later`.
- `later`: a sorted set of tasks that wait for their time, each packed with its fields, scored by that time in ms.
- `dead` and `dead:data`: a sorted set of given-up tasks' ids, scored by when, and a hash with their fields.
- `result:<task id>`: a hash with `state` and `result`, which expires.
"""

from typing import Final

__all__ = [
    "ADD",
    "BEAT",
    "CLAIM",
    "DELETE_DEAD",
    "GIVE_BACK",
    "LIST_DEAD",
    "MOVE_DUE",
    "RECONCILE",
    "REQUEUE_DEAD",
    "SETTLE",
    "TIDY",
]

_ADD: Final = """
local function add(stream, index, id, name, data)
    local entry = redis.call('XADD', stream, '*', 'id', id, 'name', name, 'data', data)
    redis.call('HSET', index, id, entry)
end
local function put_off(later, index, at, id, name, data)
    local nonce = redis.call('INCR', later .. ':count')
    redis.call('ZADD', later, at, cmsgpack.pack({nonce, id, name, data}))
    redis.call('HSET', index, id, 'later')
end
"""

_NOW: Final = """
local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""

_GIVE: Final = """
local function give(stream, group, id, times)
    redis.call('XCLAIM', stream, group, 'returned', 0, id, 'IDLE', RETURNED_IDLE_MS, 'RETRYCOUNT', times, 'JUSTID')
end
""".replace("RETURNED_IDLE_MS", "1000000000")

# KEYS stream index later guard; ARGV longest, id, name, data, at (ms, or ""), guard's time to live (ms, or "")
# Returns 1 when it was added, 0 when the guard was there, -1 when there is no room.
ADD: Final = _ADD + """
local function waiting()
    return redis.call('XLEN', KEYS[1]) + redis.call('ZCARD', KEYS[3])
end
if waiting() >= tonumber(ARGV[1]) then return -1 end
if ARGV[6] ~= '' and redis.call('EXISTS', KEYS[4]) == 1 then return 0 end
if ARGV[5] == '' then
    add(KEYS[1], KEYS[2], ARGV[2], ARGV[3], ARGV[4])
else
    put_off(KEYS[3], KEYS[2], ARGV[5], ARGV[2], ARGV[3], ARGV[4])
end
if ARGV[6] ~= '' then redis.call('SET', KEYS[4], '1', 'PX', ARGV[6]) end
return 1
"""

# KEYS stream index later; ARGV at most. Moves the tasks whose time has come to the stream; returns how many.
MOVE_DUE: Final = _ADD + _NOW + """
local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
for _, packed in ipairs(due) do
    local task = cmsgpack.unpack(packed)
    add(KEYS[1], KEYS[2], task[2], task[3], task[4])
    redis.call('ZREM', KEYS[3], packed)
end
return #due
"""

# KEYS stream; ARGV group, consumer, idle (ms), at most, latest (server's time in ms).
# Returns the server's time, then for each task that was taken over: entry, deliveries so far, fields.
# A command that waited in a frozen server's input is too late, and does nothing: its sender is gone, and meanwhile
# every heartbeat was waiting as well.
CLAIM: Final = _NOW + """
local now = now_ms()
local found = {now}
if now > tonumber(ARGV[5]) then return found end
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])
for _, entry in ipairs(pending) do
    local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], entry[1])
    if claimed[1] then
        table.insert(found, {entry[1], entry[4] + 1, claimed[1][2]})
    else
        redis.call('XACK', KEYS[1], ARGV[1], entry[1])
    end
end
return found
"""

# KEYS stream; ARGV group, consumer, entries. Says that we still work on them; returns those that somebody else has.
BEAT: Final = """
local lost = {}
for n = 3, #ARGV do
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[n], ARGV[n], 1)[1]
    if pending and pending[2] == ARGV[2] then
        redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[n], 'JUSTID')
    elseif pending then
        table.insert(lost, ARGV[n])
    end
end
return lost
"""

# KEYS stream; ARGV group, consumer, entries. Gives them to whoever asks next, unless somebody else has them already;
# this delivery does not count.
GIVE_BACK: Final = _GIVE + """
for n = 3, #ARGV do
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[n], ARGV[n], 1)[1]
    if pending and pending[2] == ARGV[2] then give(KEYS[1], ARGV[1], ARGV[n], math.max(pending[4] - 1, 0)) end
end
"""

# KEYS stream; ARGV group, consumer, "stay" or "leave", entries that it knows of. Gives back the others: their delivery
# never arrived. One that leaves knows of none, and is forgotten.
RECONCILE: Final = _GIVE + """
local known = {}
for n = 4, #ARGV do known[ARGV[n]] = true end
local given = 0
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 10000, ARGV[2])) do
    if not known[pending[1]] then
        give(KEYS[1], ARGV[1], pending[1], math.max(pending[4] - 1, 0))
        given = given + 1
    end
end
if ARGV[3] == 'leave' and #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end
return given
"""

# KEYS stream index later dead dead:data result
# ARGV group, entry, id, result, state, time to live (ms), what (done, retry, dead), name, data, delay (ms), cause,
# deliveries, most dead ones, consumer, again (1 when the same may have been done already)
# What is done is done, whoever has it now; to send it again, or to give it up, is for the one who has it.
SETTLE: Final = _ADD + _NOW + """
if ARGV[7] ~= 'done' then
    local ok, pending = pcall(redis.call, 'XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
    if ok and pending[1] and pending[1][2] ~= ARGV[14] then return 0 end
end
if ARGV[7] ~= 'done' and ARGV[15] == '1' and #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 0 then return 0 end
if ARGV[4] ~= '' then
    redis.call('HSET', KEYS[6], 'result', ARGV[4], 'state', ARGV[5])
    redis.call('PEXPIRE', KEYS[6], ARGV[6])
end
if ARGV[7] == 'retry' then
    if tonumber(ARGV[10]) > 0 then
        put_off(KEYS[3], KEYS[2], now_ms() + math.floor(ARGV[10]), ARGV[3], ARGV[8], ARGV[9])
    else
        add(KEYS[1], KEYS[2], ARGV[3], ARGV[8], ARGV[9])
    end
elseif ARGV[7] == 'dead' then
    local now = now_ms()
    redis.call('ZADD', KEYS[4], now, ARGV[3])
    redis.call('HSET', KEYS[5], ARGV[3], cmsgpack.pack({now, ARGV[8], ARGV[9], ARGV[11], tonumber(ARGV[12])}))
    while redis.call('ZCARD', KEYS[4]) > tonumber(ARGV[13]) do
        redis.call('HDEL', KEYS[5], redis.call('ZPOPMIN', KEYS[4])[1])
    end
end
if redis.call('HGET', KEYS[2], ARGV[3]) == ARGV[2] then redis.call('HDEL', KEYS[2], ARGV[3]) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
"""

# KEYS stream index later dead dead:data result; ARGV id. Sends a given-up task again.
REQUEUE_DEAD: Final = _ADD + """
local packed = redis.call('HGET', KEYS[5], ARGV[1])
if not packed then return 0 end
local task = cmsgpack.unpack(packed)
add(KEYS[1], KEYS[2], ARGV[1], task[2], task[3])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
redis.call('DEL', KEYS[6])
return 1
"""

# KEYS dead dead:data; ARGV at most. The newest given-up tasks: id, when (ms), name, cause, deliveries.
LIST_DEAD: Final = """
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1)) do
    local packed = redis.call('HGET', KEYS[2], id)
    if packed then
        local task = cmsgpack.unpack(packed)
        table.insert(found, {id, task[1], task[2], task[4], task[5]})
    end
end
return found
"""

# KEYS dead dead:data; ARGV id. Forgets a given-up task.
DELETE_DEAD: Final = """
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
"""

# KEYS stream; ARGV group, idle (ms). Forgets consumers that are gone and have nothing; one with tasks must stay.
TIDY: Final = """
for _, described in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local consumer = {}
    for n = 1, #described, 2 do consumer[described[n]] = described[n + 1] end
    if consumer.pending == 0 and consumer.idle > tonumber(ARGV[2]) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    end
end
"""
