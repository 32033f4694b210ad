// A character of a file: metal-rough surface into the G-buffer; what is translucent or glows of it over
// the picture.
// Defines: COLOUR_MAP, ROUGH_MAP, NORMAL_MAP, OCCLUSION_MAP, EMISSIVE_MAP: the pictures that there are;
// PLAIN_UV: none of them is turned or on the second UV set; MASK, BLEND: the kinds of alpha; OVER: the
// pass over the picture; MOTION: how it moved is told too; LINEAR: an image effect follows it; SHADOW: depth alone, from the sun.
#include "frame.glsl"
#ifdef VERTEX
#include "skin.glsl"
in vec3 position;
in vec3 normal;
in vec4 uvs;
in vec4 tone;
in uvec4 joints;
in vec4 weights;
in int slot;                    // of the vertex among those that a morph moves, or -1
uniform sampler2D morph_moves;  // two texels a slot: what is added to position and normal
uniform int morph_rows;         // of that texture, for each subject; 0: no face is moved
uniform int first_row;          // the first subject of this call
out vec4 uv;
invariant gl_Position;          // what glows is drawn twice, at the same depth
#ifndef SHADOW
out vec3 view_position;
out vec3 view_normal;
out vec4 vertex_tone;
out vec4 veil;
#endif
void main() {
    int row = first_row + gl_InstanceID;
    vec3 at = position, way = normal;
    if (morph_rows > 0 && slot >= 0) {
        int across = textureSize(morph_moves, 0).x / 2;
        ivec2 texel = ivec2(2 * (slot % across), row * morph_rows + slot / across);
        at += texelFetch(morph_moves, texel, 0).xyz;
        way += texelFetch(morph_moves, texel + ivec2(1, 0), 0).xyz;
    }
    mat4 skin = skin_matrix(joints, weights, row);
    vec4 world = skin * vec4(at, 1.0);
    note_motion(world, at, joints, weights, row);
    uv = uvs;
#ifdef SHADOW
    gl_Position = sun_projection * world;
#else
    vec4 seen = view * world;
    view_position = seen.xyz;
    view_normal = mat3(view) * (mat3(skin) * way);
    vertex_tone = tone;
    veil = skin_veil(joints, weights, row);
    gl_Position = projection * seen;
#endif
}
#endif
#ifdef FRAGMENT
in vec4 uv;
uniform vec4 colour_factor;
uniform vec4 surface;          // metallic, roughness, strength of the normal map, of the occlusion
uniform vec4 emissive_factor;  // w: 1 where no light is needed
uniform float cutoff;
uniform vec3 turn_u[5], turn_v[5];
uniform int uv_set[5];
uniform sampler2D colour_map, rough_map, normal_map, occlusion_map, emissive_map;

// Where picture k is looked at.
vec2 place(int k) {
#ifdef PLAIN_UV
    return uv.xy;
#else
    vec3 at = vec3(uv_set[k] == 0 ? uv.xy : uv.zw, 1.0);
    return vec2(dot(turn_u[k], at), dot(turn_v[k], at));
#endif
}

#ifdef SHADOW
void main() {
#if defined(MASK) || defined(BLEND)
#ifdef COLOUR_MAP
    if (texture(colour_map, place(0)).a * colour_factor.a < cutoff) discard;
#endif
#endif
}
#else
in vec3 view_position;
in vec3 view_normal;
in vec4 vertex_tone;
in vec4 veil;
#ifdef OVER
#include "sky.glsl"
#include "tone.glsl"
#include "shading.glsl"
out vec4 picture;
#else
layout(location = 0) out vec4 albedo_out;
layout(location = 1) out vec4 normal_out;
layout(location = 2) out float depth_out;
#include "moving.glsl"
#endif

#ifdef NORMAL_MAP
// A tangent frame from the picture's own slopes (Schueler, "Normal mapping without precomputed
// tangents"): no tangents need to be kept, skinned or morphed.
vec3 detailed(vec3 n, vec2 at) {
    vec3 m = texture(normal_map, at).xyz * 2.0 - 1.0;
    vec3 dx = dFdx(view_position), dy = dFdy(view_position);
    vec2 ux = dFdx(at), uy = dFdy(at);
    vec3 ax = cross(dy, n), ay = cross(n, dx);
    vec3 t = ax * ux.x + ay * uy.x, b = ax * ux.y + ay * uy.y;
    float t2 = dot(t, t), b2 = dot(b, b);
    if (min(t2, b2) < 1e-24) return n;
    m.xy *= surface.z;
    // v of glTF goes down, and so does b: green is up in its maps.
    return normalize(mat3(t * inversesqrt(t2), -b * inversesqrt(b2), n) * m);
}
#endif

void main() {
    // All that is looked up comes first: slopes are known only where no pixel has left.
    vec4 colour = colour_factor * vertex_tone;
#ifdef COLOUR_MAP
    colour *= texture(colour_map, place(0));
#endif
    vec3 n = normalize(view_normal) * (gl_FrontFacing ? 1.0 : -1.0);
#ifdef NORMAL_MAP
    n = detailed(n, place(2));
#endif
    float metal = surface.x, rough = surface.y;
#ifdef ROUGH_MAP
    vec4 both = texture(rough_map, place(1));
    rough *= both.g;
    metal *= both.b;
#endif
    vec3 albedo = colour.rgb;
#ifdef OCCLUSION_MAP
    // The G-buffer has no place for it: half of it darkens the surface for every light.
    albedo *= 1.0 - 0.5 * surface.w * (1.0 - texture(occlusion_map, place(3)).r);
#endif
    vec3 glow = emissive_factor.rgb * (1.0 - veil.a);
#ifdef EMISSIVE_MAP
    glow *= texture(emissive_map, place(4)).rgb;
#endif
#ifdef MASK
    if (colour.a < cutoff) discard;
#endif
#ifdef BLEND
#ifdef OVER
    if (colour.a < 0.004 || colour.a >= SOLID) discard;
#else
    if (colour.a < SOLID) discard;  // what is as good as solid is lit and shaded as such
#endif
#endif
#if defined(OVER) && !defined(BLEND)
    if (max(glow.r, max(glow.g, glow.b)) < 0.004) discard;
#endif
    albedo = mix(albedo, veil.rgb, veil.a);
    float gloss = clamp((1.0 - rough) / 0.85, 0.0, 1.0);
#ifdef OVER
    vec3 seen = mat3(camera_to_world) * view_position;
    vec3 world_n = mat3(camera_to_world) * n;
    vec3 light = shaded(camera_position.xyz + seen, normalize(seen), world_n, albedo, gloss, metal, 1.0);
    light = glow + mix(light, albedo + 0.04, emissive_factor.w);
#ifndef BLEND
    colour.a = 1.0;
#endif
#ifdef LINEAR
    picture = vec4(light, colour.a);
#else
    picture = vec4(shown_colour(light, sun_colour.w).rgb, colour.a);
#endif
#else
    albedo_out = vec4(sqrt(clamp(albedo, 0.0, 1.0)), gloss);
    normal_out = vec4(n, emissive_factor.w > 0.0 ? 3.0 : 1.0 + metal);
    depth_out = -view_position.z;
#ifdef MOTION
    motion_out = motion_of(clip_now, clip_last, number);
#endif
#endif
}
#endif
#endif
