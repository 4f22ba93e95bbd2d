-- The client's half of the capture: tells the server's half, once a drawn frame, where the camera is.

local RETRY = 0.5 -- seconds; the server drops a join that comes before it has let the client in, without a word
local channel
local waited = 0
local time = 0 -- seconds of all steps, this one's included
local expected -- {id = number, nodes = {{x, y, z, name}, ...}}: what the server has placed

local function has_come(nodes)
	for _, node in ipairs(nodes) do
		local there = minetest.get_node_or_nil({x = node[1], y = node[2], z = node[3]})
		if not there or there.name ~= node[4] then return false end
	end
	return true
end

minetest.register_on_modchannel_message(function(name, sender, message)
	if name == "capture" and sender == "" then expected = minetest.parse_json(message) end
end)

minetest.register_globalstep(function(dtime)
	waited = waited + dtime
	time = time + dtime
	if not (channel and channel:is_writeable()) then
		if waited > RETRY then
			if channel then channel:leave() end -- or the next join is not sent
			channel = minetest.mod_channel_join("capture")
			waited = 0
		end
		return
	end
	-- The camera still has the pose of the frame on the screen: this step's own is drawn after it.
	local camera = minetest.camera
	if not camera then return end
	local eye = camera:get_pos()
	channel:send_all(minetest.write_json({
		time = time,
		eye = {eye.x, eye.y, eye.z},
		yaw = camera:get_look_horizontal(),
		pitch = camera:get_look_vertical(),
		timeofday = minetest.get_timeofday(),
		placed = expected and has_come(expected.nodes) and expected.id,
	}))
end)
