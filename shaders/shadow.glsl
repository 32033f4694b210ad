// Depth of the cast as the sun sees it.
#ifdef VERTEX
#include "frame.glsl"
#include "skin.glsl"
in vec3 position;
in uvec4 joints;
in vec4 weights;
void main() {
    vec4 world = skin_matrix(joints, weights, gl_InstanceID) * vec4(position, 1.0);
    gl_Position = sun_projection * world;
}
#endif
#ifdef FRAGMENT
void main() {}
#endif
