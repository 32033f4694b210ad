// The largest over tiles of so many pixels, then over a tile's neighbours, so that a blur looks no
// further than it has to. MOTION: the longest way, px. LENS: the largest circle in front, and of all.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
out vec2 most;
#ifdef NEIGHBOURS
uniform sampler2D tiles;
#else
uniform int stride;
#ifdef MOTION
#include "moved.glsl"
uniform float longest;
#else
#include "lens.glsl"
uniform sampler2D depth_map;
#endif
#endif

void join(vec2 one) {
#ifdef MOTION
    if (dot(one, one) > dot(most, most)) most = one;
#else
    most = max(most, one);
#endif
}

void main() {
    most = vec2(0.0);
    ivec2 p = ivec2(gl_FragCoord.xy);
#ifdef NEIGHBOURS
    ivec2 last = textureSize(tiles, 0) - 1;
    for (int y = -1; y <= 1; y++)
        for (int x = -1; x <= 1; x++)
            join(texelFetch(tiles, clamp(p + ivec2(x, y), ivec2(0), last), 0).xy);
#else
    ivec2 first = p * stride, last = textureSize(depth_map, 0) - 1;
    for (int y = 0; y < stride; y++)
        for (int x = 0; x < stride; x++) {
            ivec2 q = min(first + ivec2(x, y), last);
#ifdef MOTION
            join(moved(q) * size.xy * optics.z);
#else
            float radius = circle(texelFetch(depth_map, q, 0).r);
            join(vec2(max(-radius, 0.0), abs(radius)));
#endif
        }
#ifdef MOTION
    most *= min(1.0, longest / max(length(most), 1e-6));
#endif
#endif
}
#endif
