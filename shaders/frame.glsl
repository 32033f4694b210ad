const int MOST_LAMPS = 16;
// What every pass knows about this frame; runtime/viewport/uniforms.py writes it. Row i of a Python
// matrix is row i here: matrices are declared row_major.
layout(std140, row_major) uniform Frame {
    mat4 view;
    mat4 projection;          // shifted by less than a pixel where pictures are gathered over time
    mat4 view_projection;     // not shifted
    mat4 camera_to_world;
    mat4 sun_projection;      // world to the shadow map's clip space
    vec4 camera_position;     // w: far plane, m
    vec4 sun_direction;       // towards the sun; w: tangent of the sun's half angle, for soft shadows
    vec4 sun_colour;          // linear, times intensity; w: exposure
    vec4 sky_zenith;          // linear; w: shadow box's side, m
    vec4 sky_horizon;         // linear; w: shadow box's depth, m
    vec4 ground_bounce;       // linear; w: distance at which the ground has faded, m
    vec4 size;                // width, height, 1 / width, 1 / height, pixels
    vec4 lens;                // tan(fov_y / 2) * aspect, tan(fov_y / 2), contact strength 0..1, time_s
    mat4 set_projection;      // world to the clip space of the set's own shadow map
    vec4 air;                 // fog, 1/m; clouds 0..1; how much sky there is 0..1; wetness 0..1
    vec4 floor_plane;         // the ground's height, m; its grid 0..1; lamps; depth of the set's box, m
    vec4 lamp_place[MOST_LAMPS];   // m; w: 1 / reach^2, 1/m^2
    vec4 lamp_colour[MOST_LAMPS];  // linear, at 1 m; w: 1 / (cos of the inner angle - of the outer)
    vec4 lamp_way[MOST_LAMPS];     // along its axis; w: cos of the outer angle, -2 for one that has none
    mat4 last_view_projection;     // of the picture before
    vec4 sky_light[9];             // spherical harmonics of what a sky of a picture gives, over pi
    vec4 sky_turn;                 // cosine and sine of how far that is turned; levels of its picture
    vec4 aside;                    // by how much `projection` is shifted, in clip space
    vec4 optics;              // circle of confusion far away, px; focus, m; shutter's share; its most, px
};
