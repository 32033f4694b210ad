// Motion blur from one picture: light is gathered along the way of what moves fastest nearby, of what
// would have passed over this pixel while the shutter was open.
// After McGuire, Hennessy, Bukowski and Osman, "A Reconstruction Filter for Plausible Motion Blur"
// (2012).
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
#include "moved.glsl"
in vec2 uv;
out vec4 result;
uniform sampler2D light_map;
uniform sampler2D fastest;  // ways over tiles and their neighbours, px
uniform int stride;
uniform float longest;

const int TAPS = 13;
const float SOFT = 0.02;  // of its depth, within which one thing is not in front of another

vec2 way_at(ivec2 p) {
    vec2 way = moved(p) * size.xy * optics.z;
    return way * min(1.0, longest / max(length(way), 1e-6));
}
float depth_at(ivec2 p) {
    float depth_m = texelFetch(depth_map, p, 0).r;
    return depth_m > 0.0 ? depth_m : 2.0 * camera_position.w;
}
// 1 where the second is in front of the first, softly.
float before(float first, float second) { return clamp(1.0 - (second - first) / (SOFT * first), 0.0, 1.0); }
float cone(float away, float reach) { return clamp(1.0 - away / max(reach, 1e-3), 0.0, 1.0); }
float disc(float away, float reach) { return 1.0 - smoothstep(0.95 * reach, 1.05 * reach + 1e-3, away); }

void main() {
    ivec2 p = ivec2(gl_FragCoord.xy), last = textureSize(light_map, 0) - 1;
    vec4 own = texelFetch(light_map, p, 0);
    vec2 way = texelFetch(fastest, p / stride, 0).xy;
    if (dot(way, way) < 1.0) { result = own; return; }
    // A way is half before the pixel and half behind it.
    vec2 own_way = way_at(p);
    float own_reach = max(0.5 * length(own_way), 0.5), own_depth = depth_at(p);
    float weights = 1.0 / own_reach;
    vec3 sum = own.rgb * weights;
    // A pattern that neighbours do not share, so that steps do not show as ghosts.
    float aside = fract(52.9829189 * fract(dot(vec2(p), vec2(0.06711056, 0.00583715)))) - 0.5;
    for (int i = 0; i < TAPS; i++) {
        float t = (float(i) + 1.0 + aside) / float(TAPS + 1) - 0.5;
        ivec2 q = clamp(ivec2(vec2(p) + 0.5 + way * t), ivec2(0), last);
        float away = length(way) * abs(t), depth_m = depth_at(q);
        float reach = max(0.5 * length(way_at(q)), 0.5);
        float w = before(own_depth, depth_m) * cone(away, reach)
                + before(depth_m, own_depth) * cone(away, own_reach)
                + 2.0 * disc(away, reach) * disc(away, own_reach);
        sum += w * texelFetch(light_map, q, 0).rgb;
        weights += w;
    }
    result = vec4(sum / weights, own.a);
}
#endif
