-- Starts an episode and writes one line a drawn frame: pose, health and how many nodes were dug; and one for each dug node.
local PATH = minetest.get_worldpath() .. "/"
local log, dug

local function player()
	return minetest.get_connected_players()[1]
end

local function put(line)
	log:write(minetest.write_json(line), "\n")
	log:flush()
end

-- Stands still at a place until its surroundings have been loaded.
function capture.asks.stand(request, reply)
	local who = player()
	local x, y, z = unpack(request.feet)
	y = y or minetest.get_spawn_level(x, z)
	if not y then return reply({feet = false}) end
	who:set_physics_override({speed = 0, jump = 0, gravity = 0})
	who:set_pos(vector.new(x, y, z))
	who:set_look_horizontal(request.yaw)
	who:set_look_vertical(0)
	minetest.set_timeofday(request.timeofday)
	reply({feet = {x, y, z}})
end

function capture.asks.play(request, reply)
	local who = player()
	who:set_physics_override({speed = 1, jump = 1, gravity = 1, sneak = true})
	minetest.set_player_privs(who:get_player_name(), {interact = true})
	who:get_inventory():set_list("main", {})
	who:set_hp(20)
	who:hud_set_flags({hotbar = true, healthbar = true, crosshair = true, wielditem = true, breathbar = true})
	minetest.set_timeofday(request.timeofday)
	dug = 0
	log = assert(io.open(PATH .. "episode.jsonl", "w"))
	reply({})
end

minetest.register_on_dignode(function(at, node)
	if not log then return end
	dug = dug + 1
	put({dug = node.name, at = {at.x, at.y, at.z}})
end)

minetest.mod_channel_join("capture")
minetest.register_on_modchannel_message(function(name, sender, message)
	if name ~= "capture" or sender == "" or not log then return end
	local beat = minetest.parse_json(message)
	put({eye = beat.eye, yaw = beat.yaw, pitch = beat.pitch, hp = player():get_hp(), timeofday = beat.timeofday})
end)

minetest.register_on_punchnode(function(at, node)
	if log then put({punched = node.name, at = {at.x, at.y, at.z}}) end
end)
