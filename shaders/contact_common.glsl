// What all contact shaders share. A packed pixel is view normal (xyz) and linear depth (w, metres).
#version 330 core

uniform sampler2D packed_pixels;
uniform vec4 slope;       // ray.xy = pixel * slope.xy + slope.zw, ray.z = -1
uniform vec4 lens;        // focal length in pixels, radius in metres, cut of the radius in pixels, 1 / radius

const float SKY = 1.0e4;

vec3 ray_at(ivec2 p) { return vec3(vec2(p) * slope.xy + slope.zw, -1.0); }

// 0..15: Bayer's 4x4 order, so that any 4x4 block holds every value once.
int tile(ivec2 p)
{
    int e = p.x ^ p.y;
    return ((e & 1) << 3) | ((p.y & 1) << 2) | (e & 2) | ((p.y & 2) >> 1);
}
