-- The server's half of the capture: reads a request from a file of the world's folder, does it, answers in another.
-- A request is {id = number, ask = name, ...}; the answer is {id = the same, ...}, or {id = ..., error = text}.

local FOLDER = minetest.get_worldpath() .. "/"
local REQUEST, ANSWER = FOLDER .. "capture-request.json", FOLDER .. "capture-answer.json"
local VOXELS = FOLDER .. "capture-voxels.bin"
local CHANGED = FOLDER .. "capture-changed.json"
local FOREVER, PATIENCE = 1e9, 30 -- seconds
-- The map is saved once a second. What was made is on disk before anybody plans with it: a game that is killed would make
-- other trees when it makes the place again.
local SAVED = 3 -- seconds

capture = {asks = {}} -- another mod may add asks of its own
local asks = capture.asks -- name -> function(request, reply); reply may be called in a later step
local beat, beats = nil, 0 -- the client's latest report and how many have come
local on_beat

local function player()
	return minetest.get_connected_players()[1]
end

local function corners(request)
	return vector.new(unpack(request.lowest)), vector.new(unpack(request.highest))
end

-- What moves by itself would keep a picture from settling, and from being the same when it is taken again.
minetest.register_on_mods_loaded(function()
	local function still(tiles)
		local copy = {}
		for i, tile in pairs(tiles or {}) do
			copy[i] = tile
			if type(tile) == "table" and tile.animation and tile.animation.length then
				copy[i] = table.copy(tile)
				copy[i].animation.length = FOREVER
			end
		end
		return copy
	end
	for name, node in pairs(minetest.registered_nodes) do
		minetest.override_item(name, {
			tiles = still(node.tiles),
			special_tiles = still(node.special_tiles),
			on_timer = node.on_timer and function() end, -- runs when a block is loaded, whatever the settings say
		})
	end
end)

local channel = minetest.mod_channel_join("capture")
minetest.register_on_modchannel_message(function(name, sender, message)
	if name ~= "capture" or sender == "" then return end
	beat, beats = minetest.parse_json(message), beats + 1
	if on_beat then on_beat() end
end)

minetest.register_on_joinplayer(function(joined)
	-- Without gravity the player stays where it is put, in the air as well.
	joined:set_physics_override({speed = 0, jump = 0, gravity = 0, sneak = false})
	joined:set_clouds({density = 0})
	-- Whoever may not fly through walls has the sky's brightness guessed, whatever the settings say.
	minetest.set_player_privs(joined:get_player_name(), {interact = true, fly = true, noclip = true})
end)

-- Answers with the client's report after `frames` of them, from the first on in which it has the time of day.
function asks.beat(request, reply)
	local left = request.frames
	on_beat = function()
		if request.timeofday and math.abs(beat.timeofday - request.timeofday) > 0.001 then return end
		left = left - 1
		if left == 0 then
			on_beat = nil
			reply(beat)
		end
	end
end

function asks.look(request, reply)
	local seen = player()
	for _, element in ipairs({"hotbar", "healthbar", "crosshair", "wielditem", "breathbar", "minimap", "basic_debug"}) do
		seen:hud_set_flags({[element] = request.hud and element ~= "basic_debug"})
	end
	minetest.set_timeofday(request.timeofday)
	seen:set_pos(vector.new(unpack(request.feet)))
	seen:set_look_horizontal(request.yaw)
	seen:set_look_vertical(request.pitch)
	reply({})
end

-- Places of the whole grid at which a player could be put on the ground, with their biomes.
function asks.survey(request, reply)
	local found = {}
	for x = -request.extent, request.extent, request.step do
		for z = -request.extent, request.extent, request.step do
			local y = minetest.get_spawn_level(x, z)
			local biome = y and minetest.get_biome_data({x = x, y = y, z = z})
			if biome then found[#found + 1] = {x, y, z, minetest.get_biome_name(biome.biome)} end
		end
	end
	reply({found = found})
end

function asks.emerge(request, reply)
	local lowest, highest = corners(request)
	local failed = 0
	minetest.emerge_area(lowest, highest, function(_, action, remaining)
		if action == minetest.EMERGE_CANCELLED or action == minetest.EMERGE_ERRORED then failed = failed + 1 end
		if remaining == 0 then minetest.after(SAVED, reply, {failed = failed}) end
	end)
end

function asks.drawtypes(_, reply)
	local found = {}
	for name, node in pairs(minetest.registered_nodes) do
		found[name] = {drawtype = node.drawtype, groups = node.groups}
	end
	reply({found = found})
end

-- All nodes of a box into a file: runs of (content: 2 bytes, length: 2 bytes), little-endian, x fastest, then y, then z.
function asks.dump(request, reply)
	local lowest, highest = corners(request)
	local file = assert(io.open(VOXELS, "wb"))
	local names = {}
	-- One layer of mapblocks at a time: a table of the whole box would not fit into Lua's memory.
	for z = lowest.z, highest.z, 16 do
		local first = vector.new(lowest.x, lowest.y, z)
		local last = vector.new(highest.x, highest.y, math.min(z + 15, highest.z))
		local manip = VoxelManip()
		local edges = {}
		edges.MinEdge, edges.MaxEdge = manip:read_from_map(first, last)
		local area = VoxelArea:new(edges)
		local content = manip:get_data()
		local runs, value, length = {}, nil, 0
		local function flush()
			if length == 0 then return end
			names[tostring(value)] = names[tostring(value)] or minetest.get_name_from_content_id(value)
			runs[#runs + 1] = string.char(value % 256, math.floor(value / 256), length % 256, math.floor(length / 256))
		end
		for depth = z, last.z do
			for y = first.y, last.y do
				local row = area:index(first.x, y, depth)
				for i = row, row + last.x - first.x do
					if content[i] ~= value or length == 65535 then
						flush()
						value, length = content[i], 0
					end
					length = length + 1
				end
			end
		end
		flush()
		file:write(table.concat(runs))
	end
	file:close()
	reply({names = names})
end

-- What belongs where nodes were placed: position as text -> {at = position, node = node}.
-- It is on disk before anything is placed, and until what was restored is saved, so that a killed game mends its world when
-- it starts again.
local originals = {}
local unsaved = {} -- what was restored of late, a table like `originals` for each time

local function remember()
	local all = {}
	for _, changes in ipairs({originals, unpack(unsaved)}) do
		for key, change in pairs(changes) do
			all[key] = change
		end
	end
	minetest.safe_file_write(CHANGED, minetest.write_json(all))
end

local function forget_once_saved(restored)
	unsaved[#unsaved + 1] = restored
	minetest.after(SAVED, function()
		table.remove(unsaved, 1)
		remember()
	end)
end

local function load_block(at)
	VoxelManip():read_from_map(at, at)
end

local function put(change)
	load_block(change.at)
	minetest.swap_node(change.at, change.node) -- unlike set_node, it starts neither leaf decay nor falling
end

-- Puts nodes, then tells whether the client has come to have them, for which it gets some seconds.
local function put_all(changes, done)
	local expected = {id = beats, nodes = {}}
	for i, change in ipairs(changes) do
		local at = change.at
		expected.nodes[i] = {at.x, at.y, at.z, change.node.name}
	end
	local function wait()
		channel:send_all(minetest.write_json(expected))
		local deadline = minetest.get_us_time() + PATIENCE * 1e6
		on_beat = function()
			local come = beat.placed == expected.id
			if come or minetest.get_us_time() > deadline then
				on_beat = nil
				done(come)
			end
		end
	end
	-- After four changes in one step the server would send whole blocks, and only those that the client looks at.
	local function some(first)
		for i = first, math.min(first + 2, #changes) do
			put(changes[i])
		end
		if first + 2 < #changes then
			minetest.after(0, some, first + 3)
		else
			wait()
		end
	end
	some(1)
end

function asks.place(request, reply)
	local changes = {}
	for i, node in ipairs(request.nodes) do
		local at = vector.new(node[1], node[2], node[3])
		local key = minetest.pos_to_string(at)
		load_block(at)
		originals[key] = originals[key] or {at = at, node = minetest.get_node(at)}
		changes[i] = {at = at, node = {name = node[4]}}
	end
	remember()
	put_all(changes, function(come) reply({come = come}) end)
end

function asks.restore(_, reply)
	local changes = {}
	for _, change in pairs(originals) do
		changes[#changes + 1] = change
	end
	put_all(changes, function(come)
		forget_once_saved(originals)
		originals = {}
		reply({come = come})
	end)
end

minetest.after(0, function()
	local file = io.open(CHANGED)
	if not file then return end
	local changes = minetest.parse_json(file:read("*a")) or {}
	file:close()
	for _, change in pairs(changes) do
		put(change)
	end
	forget_once_saved(changes)
end)

minetest.register_globalstep(function()
	local file = io.open(REQUEST)
	if not file then return end
	local request = minetest.parse_json(file:read("*a"))
	file:close()
	os.remove(REQUEST)
	local function reply(answer)
		answer.id = request.id
		minetest.safe_file_write(ANSWER, minetest.write_json(answer))
	end
	local done, problem = pcall(asks[request.ask], request, reply)
	if not done then reply({error = tostring(problem)}) end
end)
