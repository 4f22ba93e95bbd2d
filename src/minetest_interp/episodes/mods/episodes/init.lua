-- Starts an episode and writes a line for each drawn frame (time since the start, pose, health) and for each node that is
-- punched or dug.
local PATH = minetest.get_worldpath() .. "/"
local log

local function player()
	return minetest.get_connected_players()[1]
end

local function put(line)
	if not log then return end
	log:write(minetest.write_json(line), "\n")
	log:flush()
end

local function show(who, shown)
	for _, element in ipairs({"hotbar", "healthbar", "crosshair", "wielditem", "breathbar"}) do
		who:hud_set_flags({[element] = shown})
	end
end

-- Stands still at a place until its surroundings have been loaded.
function capture.asks.stand(request, reply)
	local who = player()
	who:set_physics_override({speed = 0, jump = 0, gravity = 0})
	who:set_pos(vector.new(unpack(request.feet)))
	who:set_look_horizontal(request.yaw)
	who:set_look_vertical(0)
	show(who, true)
	minetest.set_timeofday(request.timeofday)
	reply({})
end

-- Lets go: from now on the player falls, walks and digs, and clouds are as the game has them.
function capture.asks.play(request, reply)
	local who = player()
	minetest.set_player_privs(who:get_player_name(), {interact = true})
	who:get_inventory():set_list("main", {})
	who:set_hp(20)
	who:set_clouds({density = 0.4})
	who:set_physics_override({speed = 1, jump = 1, gravity = 1, sneak = true})
	minetest.set_timeofday(request.timeofday)
	log = assert(io.open(PATH .. "episode.jsonl", "w"))
	reply({})
end

minetest.register_on_dignode(function(at, node)
	put({dug = node.name, at = {at.x, at.y, at.z}})
end)

minetest.register_on_punchnode(function(at, node)
	put({punched = node.name, at = {at.x, at.y, at.z}})
end)

minetest.mod_channel_join("capture")
minetest.register_on_modchannel_message(function(name, sender, message)
	if name ~= "capture" or sender == "" then return end
	local beat = minetest.parse_json(message)
	put({time = beat.time, eye = beat.eye, yaw = beat.yaw, pitch = beat.pitch, hp = player():get_hp()})
end)
