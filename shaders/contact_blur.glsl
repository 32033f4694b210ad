// Mean over 4x4 pixels that lie near the pixel's own plane: any such block holds each of the
// sixteen tap patterns once, so their noise cancels.
#include "contact_common.glsl"

uniform sampler2D raw;    // occlusion, depth
uniform float tolerance;  // 1 / metres off the plane at which a neighbour is left out
out vec2 result;

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    vec4 centre = texelFetch(packed_pixels, p, 0);
    if (centre.w >= SKY) { result = vec2(1.0, centre.w); return; }
    ivec2 last = textureSize(raw, 0) - 1;
    // In units of the tolerance, a neighbour at depth z is this far off the plane:
    // z * (along + its step from the middle) - plane.
    vec3 n = centre.xyz * tolerance;
    vec2 step_n = n.xy * slope.xy;
    float along = dot(n, ray_at(p)), plane = centre.w * along;
    float sum = 0.0, weights = 0.0;
    for (int y = -2; y < 2; ++y)
        for (int x = -2; x < 2; ++x) {
            ivec2 q = clamp(p + ivec2(x, y), ivec2(0), last);
            vec2 tap = texelFetch(raw, q, 0).rg;
            float w = max(1.0 - abs(tap.g * (along + dot(step_n, vec2(q - p))) - plane), 0.0);
            sum += w * tap.r;
            weights += w;
        }
    result = vec2(clamp(sum / weights, 0.0, 1.0), centre.w);
}
