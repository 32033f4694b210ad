// Linear light to the screen, where an effect has worked on it in between.
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
#include "tone.glsl"
in vec2 uv;
out vec4 picture;
uniform sampler2D light_map;
void main() { picture = shown_colour(texture(light_map, uv).rgb, sun_colour.w); }
#endif
