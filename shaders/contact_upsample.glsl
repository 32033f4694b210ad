// Half size to full: the four nearest, each as far as it lies in the full-size pixel's plane.
#include "contact_common.glsl"

uniform sampler2D normal_texture;
uniform sampler2D depth_texture;
uniform sampler2D half_ao;
uniform float tolerance;
out float result;

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    float depth = texelFetch(depth_texture, p, 0).r;
    if (!(depth > 0.0 && depth < SKY)) { result = 1.0; return; }
    ivec2 last = textureSize(packed_pixels, 0) - 1;
    vec3 n = texelFetch(normal_texture, p, 0).xyz;
    // A packed pixel is the even one of its pair, so an even p lies on it and an odd p midway.
    ivec2 base = p >> 1;
    vec2 odd = vec2(p & 1) * 0.5;
    float plane = depth * dot(n, vec3((vec2(p) * 0.5) * slope.xy + slope.zw, -1.0));
    float sum = 0.0, weights = 0.0;
    for (int y = 0; y < 2; ++y)
        for (int x = 0; x < 2; ++x) {
            ivec2 q = min(base + ivec2(x, y), last);
            float z = texelFetch(packed_pixels, q, 0).w;
            float off = abs(z * dot(n, ray_at(q)) - plane) * tolerance;
            vec2 b = mix(1.0 - odd, odd, vec2(x, y));
            float w = (b.x * b.y + 1e-3) / (1.0 + off * off * off * off);
            sum += w * texelFetch(half_ao, q, 0).r;
            weights += w;
        }
    result = sum / weights;
}
