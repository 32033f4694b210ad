// Depth of field from one picture, at half its size. PACK: light and the circle's radius (half-size
// px). Else: light gathered over a disc; w: how much of it lies in front of what is in focus.
// What is behind gives nothing to what is sharper in front of it; what is in front covers.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
#include "lens.glsl"
out vec4 result;
#ifdef PACK
uniform sampler2D light_map;
uniform sampler2D depth_map;

void main() {
    ivec2 p = ivec2(gl_FragCoord.xy) * 2, last = textureSize(depth_map, 0) - 1;
    vec3 sum = vec3(0.0);
    float nearest = 1e9;
    for (int y = 0; y <= 1; y++)
        for (int x = 0; x <= 1; x++) {
            ivec2 q = min(p + ivec2(x, y), last);
            float depth_m = texelFetch(depth_map, q, 0).r;
            nearest = min(nearest, depth_m > 0.0 ? depth_m : 1e9);
            sum += min(texelFetch(light_map, q, 0).rgb, 40.0);  // one pixel of a lamp is no comet
        }
    result = vec4(0.25 * sum, 0.5 * circle(nearest < 1e9 ? nearest : 0.0));
}
#else
uniform sampler2D bundle;
uniform sampler2D largest;  // circles over tiles and their neighbours, px of the whole picture
uniform int stride;

const int TAPS = 40;
const float GOLDEN = 2.39996323;

void main() {
    ivec2 p = ivec2(gl_FragCoord.xy);
    ivec2 half_size = textureSize(bundle, 0);
    vec4 own = texelFetch(bundle, p, 0);
    float reach = max(abs(own.w), 0.5 * texelFetch(largest, p * 2 / stride, 0).x);
    if (reach < 0.5) { result = vec4(own.rgb, 0.0); return; }
    vec3 sum = own.rgb;
    float total = 1.0, front = 0.0;
    float turn = 6.2831853 * fract(52.9829189 * fract(dot(vec2(p), vec2(0.06711056, 0.00583715))));
    for (int i = 0; i < TAPS; i++) {
        float r = reach * sqrt((float(i) + 0.5) / float(TAPS)), angle = turn + GOLDEN * float(i);
        vec2 at = (vec2(p) + 0.5 + r * vec2(cos(angle), sin(angle))) / vec2(half_size);
        vec4 tap = texture(bundle, at);
        float radius = tap.w > own.w ? min(abs(tap.w), abs(own.w)) : abs(tap.w);
        float reaches = smoothstep(r - 0.7, r + 0.7, radius);
        sum += mix(sum / total, tap.rgb, reaches);
        total += 1.0;
        front += reaches * clamp(-tap.w - 0.5, 0.0, 1.0);
    }
    result = vec4(sum / total, clamp(2.0 * front / float(TAPS), 0.0, 1.0));
}
#endif
#endif
