// What a lens does with depth: the circle that a point is drawn as.
// Radius in pixels of the picture, below 0 in front of what is in focus.
float circle(float depth_m) {
    float away = depth_m > 0.0 ? 1.0 - optics.y / depth_m : 1.0;
    return clamp(optics.x * away, -optics.w, optics.w);
}
