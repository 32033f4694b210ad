// Learned contact shading. The weights file writes the parts between dollar signs
// (models/contact/network.py, which holds the same arithmetic for numpy and says what each name is).
#include "contact_common.glsl"

out vec2 result;          // open share of the hemisphere, depth

struct Tap {
    float cos_normal, distance, window, normals, cos_view, tap_view, cos_tap_normal, reach, classic;
};

// The pixel that is judged.
ivec2 last;
vec2 from;
vec3 n, at, view;
float pixels, shrink, near_m, far_m;

Tap look(vec2 way, float reach)
{
    ivec2 q = clamp(ivec2(floor(from + way * (reach * pixels))), ivec2(0), last);
    vec4 there = texelFetch(packed_pixels, q, 0);
    vec3 m = there.xyz;
    vec3 v = (ray_at(q) * clamp(there.w, near_m, far_m) - at) * lens.w;
    float d2 = dot(v, v);
    float d = sqrt(max(d2, 1e-12));
    float inverse = 1.0 / max(d, 0.02);
    Tap tap;
    tap.cos_normal = clamp(dot(v, n) * inverse, -1.0, 1.0);
    tap.distance = min(d, 2.0);
    tap.window = max(1.0 - d2, 0.0);
    tap.normals = clamp(dot(m, n), -1.0, 1.0);
    tap.cos_view = clamp(dot(v, view) * inverse, -1.0, 1.0);
    tap.tap_view = clamp(dot(m, view), -1.0, 1.0);
    tap.cos_tap_normal = clamp(dot(v, m) * inverse, -1.0, 1.0);
    tap.reach = reach * shrink;
    tap.classic = max(tap.cos_normal, 0.0) * tap.window;
    return tap;
}

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    vec4 centre = texelFetch(packed_pixels, p, 0);
    if (centre.w >= SKY) { result = vec2(1.0, centre.w); return; }

    last = textureSize(packed_pixels, 0) - 1;
    from = vec2(p) + 0.5;
    vec3 ray = ray_at(p);
    n = centre.xyz;
    at = ray * centre.w;
    view = -ray * inversesqrt(dot(ray, ray));
    float wished = lens.y / centre.w * lens.x;
    pixels = min(wished, lens.z);
    shrink = pixels / wished;
    near_m = max(centre.w - 3.0 * lens.y, 0.02);
    far_m = centre.w + 3.0 * lens.y;

    // The sixteen patterns of a 4x4 block look between one another's directions and distances.
    const float apart = 6.28318531 / float($DIRECTIONS$);
    const mat2 next = mat2(cos(apart), sin(apart), -sin(apart), cos(apart));
    int k = tile(p);
    float turn = float(k) * (apart * 0.0625);
    vec2 way = vec2(cos(turn), sin(turn));
    float reach = (float((k * 7) & 15) + 0.5) * (0.0625 / float($STEPS$));
    $DECLARE$
    for (int direction = 0; direction < $DIRECTIONS$; ++direction) {
        $LOOK$
        way = next * way;
    }
    float h_normal_view = clamp(dot(n, view), -1.0, 1.0);
    float h_log_pixels = log2(clamp(pixels, 1.0, 128.0)) * 0.25;
    float h_shrink = shrink;
    float h_log_radius = log2(lens.y * 2.0);
    $HEAD$
    result = vec2(mix(1.0, ao, clamp((wished - 1.5) * 0.25, 0.0, 1.0)), centre.w);
}
