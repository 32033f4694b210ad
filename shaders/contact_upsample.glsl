// Half size to full: the four nearest, each as far as it lies in the full-size pixel's plane.
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
    // A packed pixel is the even one of its pair, so an even p lies on it and an odd p midway.
    ivec2 a = p >> 1, b = min(a + 1, last);
    vec2 odd = vec2(p & 1) * 0.5;
    vec2 s00 = texelFetch(half_ao, a, 0).rg, s10 = texelFetch(half_ao, ivec2(b.x, a.y), 0).rg;
    vec2 s01 = texelFetch(half_ao, ivec2(a.x, b.y), 0).rg, s11 = texelFetch(half_ao, b, 0).rg;
    vec3 n = texelFetch(normal_texture, p, 0).xyz * tolerance;
    vec2 step_n = n.xy * slope.xy;
    float along = dot(n, vec3(vec2(a) * slope.xy + slope.zw, -1.0));
    vec4 off = vec4(s00.g, s10.g, s01.g, s11.g)
             * vec4(along, along + step_n.x, along + step_n.y, along + step_n.x + step_n.y)
             - depth * (along + dot(step_n, odd));
    vec2 even = 1.0 - odd;
    vec4 near = vec4(even.x * even.y, odd.x * even.y, even.x * odd.y, odd.x * odd.y) + 1e-3;
    vec4 w = near / (1.0 + off * off * 16.0);
    result = dot(w, vec4(s00.r, s10.r, s01.r, s11.r)) / dot(w, vec4(1.0));
}
