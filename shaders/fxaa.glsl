// Anti-aliasing on the finished picture: blur along the edge that luma shows, nothing elsewhere.
// After Timothy Lottes, "FXAA" (2009), the short console form.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
in vec2 uv;
out vec4 shown;
uniform sampler2D picture;

void main() {
    ivec2 at = ivec2(uv * vec2(textureSize(picture, 0)));
    vec2 px = 1.0 / vec2(textureSize(picture, 0));
    vec4 middle = texture(picture, uv);
    float nw = texelFetch(picture, at + ivec2(-1, 1), 0).a, ne = texelFetch(picture, at + ivec2(1, 1), 0).a;
    float sw = texelFetch(picture, at + ivec2(-1, -1), 0).a, se = texelFetch(picture, at + ivec2(1, -1), 0).a;
    float low = min(middle.a, min(min(nw, ne), min(sw, se)));
    float high = max(middle.a, max(max(nw, ne), max(sw, se)));
    vec2 along = vec2(sw + se - nw - ne, nw + sw - ne - se);
    float least = min(abs(along.x), abs(along.y)) + max((nw + ne + sw + se) * 0.03, 0.008);
    along = clamp(along / least, -6.0, 6.0) * px;
    // Two taps near the middle, then two farther out. A loop, because software renderers step
    // through a branch that is not taken but leave a loop after its first round.
    int taps = high - low < max(0.03, 0.1 * high) ? 0 : 4;
    vec4 narrow = vec4(0.0), far = vec4(0.0);
    for (int i = 0; i < taps; i++) {
        float reach = (i < 2 ? 1.0 / 6.0 : 0.5) * (i % 2 == 0 ? 1.0 : -1.0);
        vec4 tap = texture(picture, uv + along * reach);
        if (i < 2) narrow += 0.5 * tap;
        else far += 0.5 * tap;
    }
    vec4 wide = 0.5 * (narrow + far);
    vec3 softened = (wide.a < low || wide.a > high) ? narrow.rgb : wide.rgb;
    vec3 colour = taps == 0 ? middle.rgb : softened;
    shown = vec4(colour, 1.0);
}
#endif
