// The sharp picture, and the blurred one of half its size where the lens is out of focus.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
#include "lens.glsl"
in vec2 uv;
out vec4 result;
uniform sampler2D light_map;
uniform sampler2D depth_map;
uniform sampler2D blurred;

void main() {
    vec4 own = texture(light_map, uv), soft = texture(blurred, uv);
    float radius = abs(circle(texture(depth_map, uv).r));
    float share = max(smoothstep(0.6, 2.0, radius), soft.a);
    result = vec4(mix(own.rgb, soft.rgb, share), own.a);
}
#endif
