// Linear light to the screen, by one of three curves: AGX, ACES, or none defined: Khronos PBR Neutral tone mapping (github.com/KhronosGroup/ToneMapping),
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

// AgX (Troy Sobotka), log encoding and contrast as Benjamin Wrensch fitted them ("Minimal AgX
// implementation", 2023): strong lights go to white instead of to a garish hue.
vec3 agx(vec3 c) {
    const mat3 inset = mat3(0.842479062253094, 0.0423282422610123, 0.0423756549057051,
                            0.0784335999999992, 0.878468636469772, 0.0784336,
                            0.0792237451477643, 0.0791661274605434, 0.879142973793104);
    const mat3 outset = mat3(1.19687900512017, -0.0528968517574562, -0.0529716355144438,
                             -0.0980208811401368, 1.15190312990417, -0.0980434501171241,
                             -0.0990297440797205, -0.0989611768448433, 1.15107367264116);
    vec3 x = (clamp(log2(max(inset * c, 1e-10)), -12.47393, 4.026069) + 12.47393) / 16.5;
    vec3 x2 = x * x, x4 = x2 * x2;
    x = 15.5 * x4 * x2 - 40.14 * x4 * x + 31.96 * x4 - 6.868 * x2 * x + 0.4298 * x2 + 0.1191 * x - 0.00232;
    return pow(max(outset * x, 0.0), vec3(2.2));
}

// ACES's reference and output transforms as Stephen Hill fitted them (2016).
vec3 aces(vec3 c) {
    const mat3 into = mat3(0.59719, 0.07600, 0.02840, 0.35458, 0.90834, 0.13383, 0.04823, 0.01566, 0.83777);
    const mat3 back = mat3(1.60475, -0.10208, -0.00327, -0.53108, 1.10813, -0.07276, -0.07367, -0.00605, 1.07602);
    c = into * c;
    c = (c * (c + 0.0245786) - 0.000090537) / (c * (0.983729 * c + 0.4329510) + 0.238081);
    return back * c;
}

vec3 srgb(vec3 c) {
    return mix(12.92 * c, 1.055 * pow(max(c, 1e-6), vec3(1.0 / 2.4)) - 0.055, step(0.0031308, c));
}

// The picture's colour, and its luma for the anti-aliasing that follows.
vec4 shown_colour(vec3 light, float exposure) {
#if defined(AGX)
    vec3 shown = agx(light * exposure);
#elif defined(ACES)
    vec3 shown = aces(light * exposure * 1.6);  // as bright as the others at middle grey
#else
    vec3 shown = neutral(light * exposure);
#endif
    vec3 c = srgb(clamp(shown, 0.0, 1.0));
    return vec4(c, dot(c, vec3(0.299, 0.587, 0.114)));
}
