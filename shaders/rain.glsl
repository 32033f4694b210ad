// Rain about the eye: streaks that fall through a box that goes with it, each where the time says.
#include "frame.glsl"
uniform vec4 falls;      // how the rain goes, m/s; how much of it there is, 0 to 1
uniform vec4 box_m;      // its half sides; how long a picture is open, s
uniform float now_s;
#ifdef VERTEX
out float across;
out float faint;
out vec3 seen;
vec3 dice(float n) {
    vec3 p = fract(vec3(n) * vec3(0.1031, 0.1030, 0.0973));
    p += dot(p, p.yxz + 33.33);
    return fract((p.xxy + p.yxx) * p.zyx);
}
void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    vec3 start = dice(float(gl_InstanceID) + 1.0), side = 2.0 * box_m.xyz;
    float own = 0.85 + 0.3 * dice(float(gl_InstanceID) + 7919.0).x;
    // Wrapped about the eye: a drop that leaves on one side comes in on the other.
    vec3 at = start * side + falls.xyz * own * now_s - camera_position.xyz;
    at = camera_position.xyz + (fract(at / side) - 0.5) * side;
    vec3 back = at - falls.xyz * own * max(box_m.w, 0.012);
    vec3 head = (view * vec4(at, 1.0)).xyz, tail = (view * vec4(back, 1.0)).xyz;
    float wide_m = 0.0020, pixel_m = -head.z * lens.y * 2.0 * size.w;
    faint = min(1.0, wide_m / max(0.6 * pixel_m, 1e-6));
    wide_m = max(wide_m, 0.6 * pixel_m);
    vec2 way = head.xy - tail.xy;
    vec2 ahead = normalize(way + vec2(0.0, -1e-5));
    vec3 p = mix(tail, head, 0.5 + 0.5 * corner.y);
    p.xy += vec2(-ahead.y, ahead.x) * corner.x * wide_m;
    // Not in one's eyes, and fading at the edge of the box.
    float far = -head.z / box_m.z;
    faint *= smoothstep(0.05, 0.14, far) * (1.0 - smoothstep(0.7, 1.0, far));
    across = corner.x;
    seen = p;
    gl_Position = at.y < floor_plane.x ? vec4(2.0, 2.0, 2.0, 1.0) : projection * vec4(p, 1.0);
}
#endif
#ifdef FRAGMENT
#include "tone.glsl"
in float across;
in float faint;
in vec3 seen;
out vec4 picture;
uniform sampler2D depth_map;
void main() {
    float behind = texelFetch(depth_map, ivec2(gl_FragCoord.xy), 0).r;
    float clear = behind > 0.0 ? step(0.0, behind + seen.z) : 1.0;
    float alpha = 0.8 * faint * clear * (1.0 - across * across);
    vec3 around = air.z * (0.5 * sky_zenith.rgb + 0.7 * sky_horizon.rgb) + 0.05 * sun_colour.rgb;
#ifdef LINEAR
    picture = vec4(around * alpha, alpha);
#else
    picture = vec4(shown_colour(around, sun_colour.w).rgb * alpha, alpha);
#endif
}
#endif
