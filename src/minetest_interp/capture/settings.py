"""The game's settings for a capture, by their names in minetest.conf."""

from minetest_interp.capture.types import HEIGHT, VERTICAL_FIELD_OF_VIEW, WIDTH

FOREVER = 1e9  # seconds
SETTINGS = {
    "screen_w": WIDTH,
    "screen_h": HEIGHT,
    "autosave_screensize": False,
    "fov": VERTICAL_FIELD_OF_VIEW,
    "viewing_range": 100,
    "fps_max": 1000,
    "fps_max_unfocused": 1000,
    "pause_on_lost_focus": False,
    # Nothing in the picture but the world, and nothing in it that moves.
    "node_highlighting": "none",
    "view_bobbing_amount": 0,
    "fall_bobbing_amount": 0,
    "enable_minimap": False,
    "chat_log_level": "none",
    "enable_sound": False,
    "enable_clouds": False,
    "enable_weather": False,
    "time_speed": 0,
    "abm_interval": FOREVER,
    "nodetimer_interval": FOREVER,
    "liquid_update": FOREVER,
    "creative_mode": True,
    "enable_damage": False,
    # Otherwise the sky's brightness is guessed from a few directions, which chance chooses at every start. Takes the
    # privileges that the server's mod grants.
    # ASSUME: the sky is as bright in the shade of a wood as in the open.
    "noclip": True,
    "free_move": True,
    # The client gets all that it could see, and only what was asked for is ever generated.
    "max_block_send_distance": 100,
    "max_block_generate_distance": 0,
    "max_simultaneous_block_sends_per_client": 1000,
    "client_mapblock_limit": -1,
    "server_side_occlusion_culling": False,
    "server_map_save_interval": 1,
    "dedicated_server_step": 0.01,
    "enable_client_modding": True,
    "csm_restriction_flags": 0,
    "enable_mod_channels": True,
    "mg_name": "v7",
}
