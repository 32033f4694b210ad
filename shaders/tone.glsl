// Linear light to the screen: Khronos PBR Neutral tone mapping (github.com/KhronosGroup/ToneMapping),
// which leaves the colours of materials as they are, and sRGB.
vec3 neutral(vec3 c) {
    const float start = 0.8 - 0.04, desaturation = 0.15;
    float x = min(c.r, min(c.g, c.b));
    float offset = x < 0.08 ? x - 6.25 * x * x : 0.04;
    c -= offset;
    float peak = max(c.r, max(c.g, c.b));
    if (peak < start) return c;
    float d = 1.0 - start;
    float now = 1.0 - d * d / (peak + d - start);
    c *= now / peak;
    float g = 1.0 - 1.0 / (desaturation * (peak - now) + 1.0);
    return mix(c, vec3(now), g);
}

vec3 srgb(vec3 c) {
    return mix(12.92 * c, 1.055 * pow(max(c, 1e-6), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}

// The picture's colour, and its luma for the anti-aliasing that follows.
vec4 shown_colour(vec3 light, float exposure) {
    vec3 c = srgb(clamp(neutral(light * exposure), 0.0, 1.0));
    return vec4(c, dot(c, vec3(0.299, 0.587, 0.114)));
}
