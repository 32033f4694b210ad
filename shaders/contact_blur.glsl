// Mean over 4x4 pixels that lie near the pixel's own plane: any such block holds each of the
// sixteen tap patterns once, so their noise cancels.
#include "contact_common.glsl"

uniform sampler2D raw;
uniform float tolerance;  // 1 / metres off the plane at which a neighbour is left out
out float result;

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    vec4 centre = texelFetch(packed_pixels, p, 0);
    if (centre.w >= SKY) { result = 1.0; return; }
    ivec2 last = textureSize(packed_pixels, 0) - 1;
    float plane = centre.w * dot(centre.xyz, ray_at(p));
    float sum = 0.0, weights = 0.0;
    for (int y = -2; y < 2; ++y)
        for (int x = -2; x < 2; ++x) {
            ivec2 q = clamp(p + ivec2(x, y), ivec2(0), last);
            float z = texelFetch(packed_pixels, q, 0).w;
            float w = max(1.0 - abs(z * dot(centre.xyz, ray_at(q)) - plane) * tolerance, 0.0);
            sum += w * texelFetch(raw, q, 0).r;
            weights += w;
        }
    result = clamp(sum / max(weights, 1e-6), 0.0, 1.0);
}
