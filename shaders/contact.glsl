// Learned contact shading. The weights file writes the parts between dollar signs
// (models/contact/network.py, which holds the same arithmetic for numpy and says what each name is).
#include "contact_common.glsl"

out vec2 result;          // open share of the hemisphere, depth

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    vec4 centre = texelFetch(packed_pixels, p, 0);
    if (centre.w >= SKY) { result = vec2(1.0, centre.w); return; }

    ivec2 last = textureSize(packed_pixels, 0) - 1;
    vec3 n = centre.xyz, ray = ray_at(p), at = ray * centre.w;
    vec3 view = -ray * inversesqrt(dot(ray, ray));
    float wished = lens.y / centre.w * lens.x;
    float pixels = min(wished, lens.z);
    float shrink = pixels / wished;
    float near_m = max(centre.w - 3.0 * lens.y, 0.02), far_m = centre.w + 3.0 * lens.y;

    int k = tile(p);
    float turn = float(k) * 0.39269908;
    vec2 way = vec2(cos(turn), sin(turn));
    float reach = (float((k * 7) & 15) + 0.5) * (0.0625 / float($TAPS$));
    vec2 from = vec2(p) + 0.5;
    $DECLARE$
    for (int i = 0; i < $TAPS$; ++i) {
        ivec2 q = clamp(ivec2(floor(from + way * (reach * pixels))), ivec2(0), last);
        vec4 tap = texelFetch(packed_pixels, q, 0);
        vec3 m = tap.xyz;
        vec3 v = (ray_at(q) * clamp(tap.w, near_m, far_m) - at) * lens.w;
        float d2 = dot(v, v);
        float d = sqrt(max(d2, 1e-12));
        float inverse = 1.0 / max(d, 0.02);
        float f_cos_normal = clamp(dot(v, n) * inverse, -1.0, 1.0);
        float f_distance = min(d, 2.0);
        float f_window = max(1.0 - d2, 0.0);
        float f_normals = clamp(dot(m, n), -1.0, 1.0);
        float f_cos_view = clamp(dot(v, view) * inverse, -1.0, 1.0);
        float f_tap_view = clamp(dot(m, view), -1.0, 1.0);
        float f_cos_tap_normal = clamp(dot(v, m) * inverse, -1.0, 1.0);
        float f_reach = reach * shrink;
        float f_classic = max(f_cos_normal, 0.0) * f_window;
        $TAP$
        reach += 1.0 / float($TAPS$);
        way = mat2(-0.73736888, 0.67549029, -0.67549029, -0.73736888) * way;
    }
    float h_normal_view = clamp(dot(n, view), -1.0, 1.0);
    float h_log_pixels = log2(clamp(pixels, 1.0, 128.0)) * 0.25;
    float h_shrink = shrink;
    float h_log_radius = log2(lens.y * 2.0);
    $HEAD$
    result = vec2(mix(1.0, ao, clamp((wished - 1.0) * 0.5, 0.0, 1.0)), centre.w);
}
