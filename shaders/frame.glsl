// What every pass knows about this frame; runtime/viewport/uniforms.py writes it. Row i of a Python
// matrix is row i here: matrices are declared row_major.
layout(std140, row_major) uniform Frame {
    mat4 view;
    mat4 projection;
    mat4 view_projection;
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
};
