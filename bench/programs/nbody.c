// The Sun and the four giant planets, symplectic integration. Doubles, a square root, no
// allocation.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BODIES 5
static const double kPi = 3.141592653589793;
static const double kDays = 365.24;

struct Body {
  double x, y, z, vx, vy, vz, mass;
};

static struct Body bodies[BODIES];

static void set(int i, double x, double y, double z, double vx, double vy, double vz, double mass) {
  const double solar_mass = 4 * kPi * kPi;
  bodies[i] = (struct Body){x, y, z, vx * kDays, vy * kDays, vz * kDays, mass * solar_mass};
}

static void set_up(void) {
  set(0, 0, 0, 0, 0, 0, 0, 1);
  set(1, 4.84143144246472090, -1.16032004402742839, -1.03622044471123109e-01,
      1.66007664274403694e-03, 7.69901118419740425e-03, -6.90460016972063023e-05,
      9.54791938424326609e-04);
  set(2, 8.34336671824457987, 4.12479856412430479, -4.03523417114321381e-01, -2.76742510726411e-03,
      4.99852801234917238e-03, 2.30417297573763929e-05, 2.85885980666130812e-04);
  set(3, 12.8943695621391310, -15.1111514016986312, -2.23307578892655734e-01,
      2.96460137564761618e-03, 2.37847173959480950e-03, -2.96589568540237556e-05,
      4.36624404335156298e-05);
  set(4, 15.3796971148509165, -25.9193146099879641, 1.79258772950371181e-01,
      2.68067772490389322e-03, 1.62824170038242295e-03, -9.51592254519715870e-05,
      5.15138902046611451e-05);
}

static void offset_momentum(void) {
  double px = 0, py = 0, pz = 0;
  for (int i = 0; i < BODIES; ++i) {
    px += bodies[i].vx * bodies[i].mass;
    py += bodies[i].vy * bodies[i].mass;
    pz += bodies[i].vz * bodies[i].mass;
  }
  bodies[0].vx = -px / bodies[0].mass;
  bodies[0].vy = -py / bodies[0].mass;
  bodies[0].vz = -pz / bodies[0].mass;
}

static void advance(int count, struct Body* body, double dt) {
  for (int i = 0; i < count; ++i) {
    struct Body* a = &body[i];
    for (int j = i + 1; j < count; ++j) {
      struct Body* b = &body[j];
      const double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      const double square = dx * dx + dy * dy + dz * dz;
      const double magnitude = dt / (square * sqrt(square));
      a->vx -= dx * b->mass * magnitude;
      a->vy -= dy * b->mass * magnitude;
      a->vz -= dz * b->mass * magnitude;
      b->vx += dx * a->mass * magnitude;
      b->vy += dy * a->mass * magnitude;
      b->vz += dz * a->mass * magnitude;
    }
  }
  for (int i = 0; i < count; ++i) {
    body[i].x += dt * body[i].vx;
    body[i].y += dt * body[i].vy;
    body[i].z += dt * body[i].vz;
  }
}

static double energy(int count, const struct Body* body) {
  double e = 0;
  for (int i = 0; i < count; ++i) {
    const struct Body* a = &body[i];
    e += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
    for (int j = i + 1; j < count; ++j) {
      const struct Body* b = &body[j];
      const double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      e -= a->mass * b->mass / sqrt(dx * dx + dy * dy + dz * dz);
    }
  }
  return e;
}

int main(int argc, char** argv) {
  const int steps = argc > 1 ? atoi(argv[1]) : 4000000;
  set_up();
  offset_momentum();
  printf("%.9f\n", energy(BODIES, bodies));
  for (int i = 0; i < steps; ++i) advance(BODIES, bodies, 0.01);
  printf("%.9f\n", energy(BODIES, bodies));
  return 0;
}
