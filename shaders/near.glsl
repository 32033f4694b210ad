// The closest caster over blocks of the shadow map, then over a neighbourhood of blocks.
#include "fullscreen.glsl"
#ifdef FRAGMENT
uniform sampler2D from;
uniform int radius;    // of the neighbourhood, in texels of `from`
uniform int stride;    // texels of `from` for each texel here
out float closest;
void main() {
    ivec2 base = ivec2(gl_FragCoord.xy) * stride, last = textureSize(from, 0) - 1;
    closest = 1.0;
    for (int y = -radius; y < stride + radius; y++)
        for (int x = -radius; x < stride + radius; x++)
            closest = min(closest, texelFetch(from, clamp(base + ivec2(x, y), ivec2(0), last), 0).r);
}
#endif
