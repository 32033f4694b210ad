// A picture as it is, at another size.
#include "fullscreen.glsl"
#ifdef FRAGMENT
in vec2 uv;
out vec4 shown;
uniform sampler2D picture;
void main() { shown = vec4(texture(picture, uv).rgb, 1.0); }
#endif
