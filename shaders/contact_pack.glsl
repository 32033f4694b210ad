// Normal and depth side by side, at the size at which the taps are taken: one fetch a tap.
#version 330 core

uniform sampler2D normal_texture;   // view space
uniform sampler2D depth_texture;    // metres, 0 or >= 1e4 on the sky
uniform int stride;
out vec4 result;

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy) * stride;
    float depth = texelFetch(depth_texture, p, 0).r;
    bool sky = !(depth > 0.0 && depth < 1.0e4);
    vec3 n = texelFetch(normal_texture, p, 0).xyz;
    result = sky ? vec4(0.0, 0.0, 0.0, 1.0e5) : vec4(n * inversesqrt(max(dot(n, n), 1e-12)), depth);
}
