// Scalable ambient obscurance (McGuire, Mara, Luebke 2012), on the same taps as the network's.
#include "contact_common.glsl"

uniform vec2 fit;         // gain and power, fitted on the training set
out vec2 result;          // open share of the hemisphere, depth

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    vec4 centre = texelFetch(packed_pixels, p, 0);
    if (centre.w >= SKY) { result = vec2(1.0, centre.w); return; }

    ivec2 last = textureSize(packed_pixels, 0) - 1;
    vec3 n = centre.xyz, at = ray_at(p) * centre.w;
    float wished = lens.y / centre.w * lens.x;
    float pixels = min(wished, lens.z);
    int k = tile(p);
    float turn = float(k) * 0.39269908;
    vec2 way = vec2(cos(turn), sin(turn));
    float reach = (float((k * 7) & 15) + 0.5) * (0.0625 / float($TAPS$));
    float sum = 0.0;
    for (int i = 0; i < $TAPS$; ++i) {
        ivec2 q = clamp(ivec2(floor(vec2(p) + 0.5 + way * (reach * pixels))), ivec2(0), last);
        vec3 v = (ray_at(q) * texelFetch(packed_pixels, q, 0).w - at) * lens.w;
        float d2 = dot(v, v);
        float w = max(1.0 - d2, 0.0);
        sum += w * w * w * max(dot(v, n) - 0.01, 0.0) / (d2 + 0.01);
        reach += 1.0 / float($TAPS$);
        way = mat2(-0.73736888, 0.67549029, -0.67549029, -0.73736888) * way;
    }
    float ao = pow(max(1.0 - fit.x * sum / float($TAPS$), 0.0), fit.y);
    result = vec2(mix(1.0, ao, clamp((wished - 1.5) * 0.25, 0.0, 1.0)), centre.w);
}
