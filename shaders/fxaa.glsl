// Anti-aliasing on the finished picture: blur along the edge that luma shows, nothing elsewhere.
// After Timothy Lottes, "FXAA" (2009), the short console form.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
in vec2 uv;
out vec4 shown;
uniform sampler2D picture;

void main() {
    vec2 px = 1.0 / vec2(textureSize(picture, 0));
    vec4 middle = texture(picture, uv);
    float nw = texture(picture, uv + vec2(-0.5, 0.5) * px).a, ne = texture(picture, uv + vec2(0.5, 0.5) * px).a;
    float sw = texture(picture, uv + vec2(-0.5, -0.5) * px).a, se = texture(picture, uv + vec2(0.5, -0.5) * px).a;
    float low = min(middle.a, min(min(nw, ne), min(sw, se)));
    float high = max(middle.a, max(max(nw, ne), max(sw, se)));
    if (high - low < max(0.03, 0.1 * high)) {
        shown = vec4(middle.rgb, 1.0);
        return;
    }
    vec2 along = vec2(sw + se - nw - ne, nw + sw - ne - se);
    float least = min(abs(along.x), abs(along.y)) + max((nw + ne + sw + se) * 0.03, 0.008);
    along = clamp(along / least, -6.0, 6.0) * px;
    vec4 narrow = 0.5 * (texture(picture, uv - along / 6.0) + texture(picture, uv + along / 6.0));
    vec4 wide = 0.5 * narrow + 0.25 * (texture(picture, uv - along / 2.0) + texture(picture, uv + along / 2.0));
    shown = vec4((wide.a < low || wide.a > high) ? narrow.rgb : wide.rgb, 1.0);
}
#endif
