// What light does at a surface: the sun with its soft shadow, lamps, the sky's and the ground's glow,
// what is mirrored. Its users have frame.glsl, and the shadow map's textures.
// Defines: LAMPS where there are any, SET where a set has a shadow map of its own.
uniform sampler2D shadow_map;
uniform sampler2D near_map;  // the closest caster in a wide neighbourhood: skips the search

const int SEARCH = 6, TAPS = 10;

// Angle for this pixel's taps (Jimenez 2014, interleaved gradient noise): grain instead of bands.
float grain(vec2 pixel) {
    return 6.2831853 * fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))));
}

vec2 spiral(int i, int count, float turn) {
    float r = sqrt((float(i) + 0.5) / float(count)), a = 2.39996323 * float(i) + turn;
    return r * vec2(cos(a), sin(a));
}

#ifdef SET
uniform sampler2D set_shadow_map;

// The same from what stands still: its map is drawn once, so that it is fine enough for few taps.
float set_sunlight(vec3 world, vec3 normal) {
    float slope = clamp(1.0 - dot(normal, sun_direction.xyz), 0.0, 1.0);
    vec3 at = (set_projection * vec4(world + normal * (0.02 + 0.05 * slope), 1.0)).xyz * 0.5 + 0.5;
    vec3 off = abs(at - 0.5);
    float turn = grain(gl_FragCoord.xy), shut = 0.0;
    vec2 texel = 1.6 / vec2(textureSize(set_shadow_map, 0));
    int taps = max(off.x, max(off.y, off.z)) < 0.499 ? 6 : 0;
    for (int i = 0; i < taps; i++)
        shut += step(texture(set_shadow_map, at.xy + texel * spiral(i, 6, turn)).r,
                     at.z - (0.02 + 0.04 * slope) / floor_plane.w);
    return 1.0 - shut / 6.0;
}
#endif

// 0 in shadow, 1 in the sun: percentage-closer soft shadows (Fernando 2005). Loops of no
// rounds instead of branches: software renderers step through a branch, but leave a loop.
float sunlight(vec3 world, vec3 normal) {
    float side_m = sky_zenith.w, depth_m = sky_horizon.w;
    float slope = clamp(1.0 - dot(normal, sun_direction.xyz), 0.0, 1.0);
    vec3 at = (sun_projection * vec4(world + normal * (0.004 + 0.012 * slope), 1.0)).xyz * 0.5 + 0.5;
    float bias = (0.003 + 0.006 * slope) / depth_m;
    vec3 off = abs(at - 0.5);
    bool shaded = max(off.x, max(off.y, off.z)) < 0.495 && texture(near_map, at.xy).r < at.z - bias;
    float turn = grain(gl_FragCoord.xy), found = 0.0, blocker = 0.0;
    int search = shaded && slope < 1.0 ? SEARCH : 0;
    for (int i = 0; i < search; i++) {
        float z = texture(shadow_map, at.xy + 0.10 / side_m * spiral(i, SEARCH, turn)).r;
        if (z < at.z - bias) { found += 1.0; blocker += z; }
    }
    float gap_m = (at.z - blocker / max(found, 1.0)) * depth_m;
    float radius = clamp(gap_m * sun_direction.w, 0.006, 0.10) / side_m;
    float shut = 0.0, leak = bias * (1.0 + radius * side_m * 40.0);
    int taps = found > 0.0 ? TAPS : 0;
    for (int i = 0; i < taps; i++)
        shut += step(texture(shadow_map, at.xy + radius * spiral(i, TAPS, turn)).r, at.z - leak);
    return 1.0 - shut / float(TAPS);
}

float fifth(float x) {
    float x2 = x * x;
    return x2 * x2 * x;
}

// Specular: GGX with Karis's approximations; the sky's reflection stands in for an environment map.
// base: what is mirrored head on, 0.04 but for metals.
vec3 mirrored(vec3 direction, vec3 n, float gloss, vec3 base, float metal, float nl, float lit,
              float contact) {
    float rough = 1.0 - 0.85 * gloss, a2 = rough * rough * rough * rough;
    vec3 v = -direction, h = normalize(v + sun_direction.xyz);
    float nv = max(dot(n, v), 0.02), nh = max(dot(n, h), 0.0), vh = max(dot(v, h), 0.0);
    float spread = nh * nh * (a2 - 1.0) + 1.0;
    float lobe = a2 / (3.14159 * spread * spread);
    float k = 0.5 * rough * rough + 0.03;
    float visible = 0.25 / ((nv * (1.0 - k) + k) * (nl * (1.0 - k) + k));
    vec3 fresnel = base + (1.0 - base) * fifth(1.0 - vh);
    vec3 edge = base + (max(vec3(gloss), base) - base) * fifth(1.0 - nv);
    vec3 to = reflect(direction, n);
#ifdef SKYMAP
    vec3 above = sky_seen(to, sqrt(rough) * sky_turn.z);
#else
    vec3 above = mix(sky_horizon.rgb, sky_zenith.rgb, max(to.y, 0.0));
#endif
    vec3 around = mix(ground_bounce.rgb, above, smoothstep(-0.25, 0.25, to.y));
    return sun_colour.rgb * (lit * lobe * visible * fresnel) * 0.31831
         + air.z * around * edge * contact * mix(0.25 + 0.75 * gloss, 1.0, metal);
}

#ifdef LAMPS
// What lamps give: points and cones, falling off with the square of the distance (glTF's
// KHR_lights_punctual), without shadows of their own.
vec3 lamplight(vec3 world, vec3 direction, vec3 n, vec3 albedo, float gloss, float metal, float contact) {
    float rough = 1.0 - 0.85 * gloss, a2 = rough * rough * rough * rough;
    float k = 0.5 * rough * rough + 0.03, nv = max(-dot(n, direction), 0.02);
    vec3 base = mix(vec3(0.04), albedo, metal), sum = vec3(0.0);
    float shine = gloss > 0.2 || metal > 0.0 ? 1.0 : 0.0;
    for (int i = 0; i < int(floor_plane.z); i++) {
        vec3 to = lamp_place[i].xyz - world;
        float d2 = dot(to, to);
        vec3 l = to * inversesqrt(max(d2, 1e-6));
        float cone = clamp((-dot(l, lamp_way[i].xyz) - lamp_way[i].w) * lamp_colour[i].w, 0.0, 1.0);
        float near = clamp(1.0 - d2 * d2 * lamp_place[i].w * lamp_place[i].w, 0.0, 1.0);
        float nl = max(dot(n, l), 0.0);
        float falls = cone * cone * near * near / max(d2, 0.04) * nl;
        vec3 h = normalize(l - direction);
        float nh = max(dot(n, h), 0.0), spread = nh * nh * (a2 - 1.0) + 1.0;
        float visible = 0.25 / ((nv * (1.0 - k) + k) * (nl * (1.0 - k) + k));
        float lobe = shine * a2 / (3.14159 * spread * spread) * visible;
        vec3 fresnel = base + (1.0 - base) * fifth(1.0 - max(dot(h, l), 0.0));
        sum += lamp_colour[i].rgb * falls * (albedo * (1.0 - metal) * contact * 0.31831 + fresnel * lobe * 0.31831);
    }
    return sum;
}
#endif

// The light that a surface sends along `direction`, from the eye.
vec3 shaded(vec3 world, vec3 direction, vec3 n, vec3 albedo, float gloss, float metal, float contact) {
    float facing = max(dot(n, sun_direction.xyz), 0.0);
    float lit = facing * sunlight(world, n);
#ifdef SET
    lit *= set_sunlight(world, n);
#endif
#ifdef SKYMAP
    vec3 ambient = sky_given(n);
#else
    vec3 ambient = mix(ground_bounce.rgb, mix(sky_horizon.rgb, sky_zenith.rgb, 0.35), 0.5 + 0.5 * n.y);
    // A large soft light from the side opposite to the sun keeps the shadow side modelled.
    vec3 fill_from = normalize(vec3(-sun_direction.x, 0.55, -sun_direction.z));
    ambient += sky_horizon.rgb * 0.16 * max(dot(n, fill_from), 0.0);
#endif
    ambient *= air.z;
    vec3 colour = albedo * (1.0 - metal)
                * (sun_colour.rgb * (lit * mix(1.0, contact, 0.5)) * 0.31831 + ambient * contact);
    if (gloss > 0.2 || metal > 0.0)
        colour += mirrored(direction, n, gloss, mix(vec3(0.04), albedo, metal), metal, facing, lit, contact);
#ifdef LAMPS
    colour += lamplight(world, direction, n, albedo, gloss, metal, contact);
#endif
    return colour;
}
