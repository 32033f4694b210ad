// G-buffer to picture: sun with soft shadow, sky and bounce from all around, occlusion, fade to the
// sky, tone map. Branches spare software renderers what most of a picture does not need.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
#include "sky.glsl"
#include "tone.glsl"
in vec2 uv;
out vec4 picture;
uniform sampler2D albedo_map;
uniform sampler2D normal_map;
uniform sampler2D depth_map;
uniform sampler2D contact_map;
#include "shading.glsl"

void main() {
    vec3 ray = mat3(camera_to_world) * vec3((uv * 2.0 - 1.0 - aside.xy) * lens.xy, -1.0);
    float depth_m = texture(depth_map, uv).r;
    vec3 direction = normalize(ray);
    vec3 world = camera_position.xyz + ray * depth_m;
    vec4 surface = texture(albedo_map, uv);
    vec3 albedo = surface.rgb * surface.rgb;
    float gloss = surface.a;
    vec4 way = texture(normal_map, uv);
    vec3 n = mat3(camera_to_world) * way.xyz;
    float contact = mix(1.0, texture(contact_map, uv).r, lens.z);
    // Above 1 the normal's fourth number is how much of a metal it is; 3: it needs no light.
    float own = clamp(way.a - 2.0, 0.0, 1.0), metal = own > 0.0 ? 0.0 : clamp(way.a - 1.0, 0.0, 1.0);
    vec3 colour = shaded(world, direction, n, albedo, gloss, metal, contact);
    colour = mix(colour, albedo + 0.04, own);  // the tone map takes what a surface mirrors, 0.04

    // The ground fades into the sky at its horizon; where nothing was drawn there is sky alone.
    bool empty = depth_m <= 0.0;
    float fade = smoothstep(0.12, 1.0, length(world.xz - camera_position.xz) / ground_bounce.w);
    fade = empty ? 1.0 : (world.y < floor_plane.x + 0.01 ? fade : 0.0);
    vec3 towards = empty ? direction : normalize(vec3(direction.x, 0.0, direction.z));
    vec3 sky = sky_colour(towards);
    colour = mix(colour, sky, fade);
#ifdef FOG
    float seen = empty ? 400.0 : length(ray) * depth_m;
    colour = mix(sky_horizon.rgb * air.z, colour, exp(-air.x * seen * (empty ? 1.0 - max(direction.y, 0.0) : 1.0)));
#endif
#ifdef LINEAR  // an effect comes before the tone map
    picture = vec4(colour, 1.0);
#else
    picture = shown_colour(colour, sun_colour.w);
#endif
}
#endif
