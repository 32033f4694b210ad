// The tensor that a network gave, planes above one another, blended with the picture.
#version 330 core

uniform sampler2D colour_texture;
uniform sampler2D planes;
uniform ivec2 plane_size;
uniform int channels;        // 1 or 3
uniform int downscale;
uniform int blend;           // 0 replace, 1 multiply, 2 add
uniform float strength;
out vec4 result;

float plane(int c, ivec2 q)
{
    q = clamp(q, ivec2(0), plane_size - 1);
    return texelFetch(planes, ivec2(q.x, q.y + c * plane_size.y), 0).r;
}

void main()
{
    ivec2 p = ivec2(gl_FragCoord.xy);
    vec4 colour = texelFetch(colour_texture, p, 0);
    vec2 at = (vec2(p) + 0.5) / float(downscale) - 0.5;
    ivec2 q = ivec2(floor(at));
    vec2 f = at - vec2(q);
    vec3 value;
    for (int c = 0; c < 3; ++c) {
        int k = min(c, channels - 1);
        float low = mix(plane(k, q), plane(k, q + ivec2(1, 0)), f.x);
        float high = mix(plane(k, q + ivec2(0, 1)), plane(k, q + ivec2(1, 1)), f.x);
        value[c] = mix(low, high, f.y);
    }
    vec3 made = blend == 0 ? value : blend == 1 ? colour.rgb * value : colour.rgb + value;
    result = vec4(mix(colour.rgb, made, strength), colour.a);
}
