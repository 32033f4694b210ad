// Half size to full: five around, each as far as it lies in the full-size pixel's plane. Four of
// them stand three half-size pixels apart, which makes the blur before it half again as wide.
#include "contact_common.glsl"

uniform sampler2D normal_texture;
uniform sampler2D depth_texture;
uniform sampler2D half_ao; // occlusion, depth
uniform float tolerance;
out float result;

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    float depth = texelFetch(depth_texture, p, 0).r;
    if (!(depth > 0.0 && depth < SKY)) { result = 1.0; return; }
    ivec2 last = textureSize(half_ao, 0) - 1;
    // A packed pixel is the even one of its pair, so an even p lies on it and an odd p midway. The
    // blur's block reaches from -2 to 1: these reach from -1 to 2.
    ivec2 c = p >> 1, odd = p & 1;
    ivec2 a = max(c - 1 + odd, ivec2(0)), b = min(c + 2, last);
    a = min(a, last);
    vec2 s00 = texelFetch(half_ao, a, 0).rg, s10 = texelFetch(half_ao, ivec2(b.x, a.y), 0).rg;
    vec2 s01 = texelFetch(half_ao, ivec2(a.x, b.y), 0).rg, s11 = texelFetch(half_ao, b, 0).rg;
    vec2 own = texelFetch(half_ao, c, 0).rg;
    vec3 n = texelFetch(normal_texture, p, 0).xyz * tolerance;
    float along = dot(n, vec3(vec2(c) * slope.xy + slope.zw, -1.0));
    vec2 na = n.xy * slope.xy * vec2(a - c), nb = n.xy * slope.xy * vec2(b - c);
    float plane = depth * (along + 0.5 * dot(n.xy * slope.xy, vec2(odd)));
    vec4 off = vec4(s00.g, s10.g, s01.g, s11.g)
             * (along + vec4(na.x + na.y, nb.x + na.y, na.x + nb.y, nb.x + nb.y)) - plane;
    float off_own = own.g * along - plane;
    vec4 w = max(1.0 - abs(off), 0.0) + 1e-4;
    float w_own = max(1.0 - abs(off_own), 0.0) + 1e-3;
    result = (dot(w, vec4(s00.r, s10.r, s01.r, s11.r)) + w_own * own.r) / (dot(w, vec4(1.0)) + w_own);
}
