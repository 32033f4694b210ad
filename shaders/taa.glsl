// Anti-aliasing over time: each picture is drawn a part of a pixel aside, and joins those before it
// where they were, as far as they may still be true: within what the pixel's neighbours have.
// After Brian Karis, "High-Quality Temporal Supersampling" (2014), and Marco Salvi's variance clip
// (2016).
#include "fullscreen.glsl"
#ifdef FRAGMENT
#include "frame.glsl"
#include "moved.glsl"
in vec2 uv;
out vec4 shown;
uniform sampler2D picture;
uniform sampler2D history;
uniform float keeps;  // of the history; 0: there is none

vec3 to_ycocg(vec3 c) {
    return vec3(0.25 * (c.r + c.b) + 0.5 * c.g, 0.5 * (c.r - c.b), 0.5 * c.g - 0.25 * (c.r + c.b));
}
vec3 from_ycocg(vec3 c) { return vec3(c.x + c.y - c.z, c.x + c.z, c.x - c.y - c.z); }

// The history at a place by a Catmull-Rom filter, in five looks: a straight one would soften what
// moves a little more with each picture.
vec3 before(vec2 at) {
    vec2 size = vec2(textureSize(history, 0)), p = at * size;
    vec2 middle = floor(p - 0.5) + 0.5, f = p - middle;
    vec2 w0 = f * (-0.5 + f * (1.0 - 0.5 * f)), w1 = 1.0 + f * f * (-2.5 + 1.5 * f);
    vec2 w2 = f * (0.5 + f * (2.0 - 1.5 * f)), w3 = f * f * (-0.5 + 0.5 * f);
    vec2 w12 = w1 + w2, p12 = (middle + w2 / w12) / size;
    vec2 p0 = (middle - 1.0) / size, p3 = (middle + 2.0) / size;
    vec4 sum = vec4(texture(history, vec2(p12.x, p0.y)).rgb, 1.0) * (w12.x * w0.y)
             + vec4(texture(history, vec2(p0.x, p12.y)).rgb, 1.0) * (w0.x * w12.y)
             + vec4(texture(history, p12).rgb, 1.0) * (w12.x * w12.y)
             + vec4(texture(history, vec2(p3.x, p12.y)).rgb, 1.0) * (w3.x * w12.y)
             + vec4(texture(history, vec2(p12.x, p3.y)).rgb, 1.0) * (w12.x * w3.y);
    return max(sum.rgb / sum.a, 0.0);
}

void main() {
    ivec2 p = ivec2(gl_FragCoord.xy), last = textureSize(picture, 0) - 1;
    vec3 own = to_ycocg(texelFetch(picture, p, 0).rgb);
    vec3 sum = vec3(0.0), squares = vec3(0.0), low = own, high = own;
    float nearest = 1e9;
    ivec2 front = p;
    for (int y = -1; y <= 1; y++)
        for (int x = -1; x <= 1; x++) {
            ivec2 q = clamp(p + ivec2(x, y), ivec2(0), last);
            vec3 c = to_ycocg(texelFetch(picture, q, 0).rgb);
            sum += c;
            squares += c * c;
            low = min(low, c);
            high = max(high, c);
            // An edge moves as what is in front of it does.
            float depth_m = texelFetch(depth_map, q, 0).r;
            if (depth_m > 0.0 && depth_m < nearest) { nearest = depth_m; front = q; }
        }
    vec3 mean = sum / 9.0, spread = 1.25 * sqrt(max(squares / 9.0 - mean * mean, 0.0));
    vec2 at = uv - moved(front);
    bool there = all(greaterThanEqual(at, vec2(0.0))) && all(lessThanEqual(at, vec2(1.0)));
    vec3 was = to_ycocg(before(at));
    was = clamp(was, max(low, mean - spread), min(high, mean + spread));
    shown = vec4(clamp(from_ycocg(mix(own, was, there ? keeps : 0.0)), 0.0, 1.0), 1.0);
}
#endif
