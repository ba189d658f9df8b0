/*
** route: which experts a token goes to, and where it stands among the rows sorted by expert. The K
** highest of score + bias are chosen, of equals the first; with groups, only among the experts of
** the best group_limit groups, a group being worth the sum of its two best. A capacity C keeps C
** tokens per expert: the first to come, first choices before second ones, or those of the highest
** score; what is dropped stands after the rows of all experts.
**
** The sort is a counting sort: T K steps. Nothing here has a derivative; weights are gathered from
** the scores by the positions that come out.
*/
#include <math.h>
#include <string.h>

#include "op/build.h"
#include "op/position.h"

enum { SCORE, BIAS };
enum { TOP_K, GROUPS, GROUP_LIMIT, CAPACITY, KEEP };
enum { EXPERT, PLACE, COUNT, LOAD };
static const char *const KEEPS[] = {"first", "highest", NULL};

/* T tokens, E experts, K of them for a token. */
typedef struct {
  int64_t T, E, K;
} sizes;

static sizes sizes_of(const mlp_call *c) {
  const mlp_shape *s = &c->in[SCORE]->shape;
  return (sizes){s->dim[0], s->dim[1], c->value[TOP_K].integer};
}

/* ---- what is refused ------------------------------------------------------------------------- */

static mlp_status want_groups(const mlp_call *c, sizes s, mlp_error *e) {
  int64_t groups = c->value[GROUPS].integer, limit = c->value[GROUP_LIMIT].integer;
  if (groups < 1 || s.E % groups != 0)
    return mlp_refuse(e, "route: %lld groups do not divide %lld experts", (long long)groups,
                      (long long)s.E);
  if (limit < 0 || limit > groups)
    return mlp_refuse(e, "route: group_limit is %lld but 1 to %lld, or 0 for all, is wanted",
                      (long long)limit, (long long)groups);
  if (limit > 0 && limit * (s.E / groups) < s.K)
    return mlp_refuse(e, "route: %lld groups of %lld experts are fewer than top_k = %lld",
                      (long long)limit, (long long)(s.E / groups), (long long)s.K);
  return MLP_OK;
}

static mlp_status route_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, SCORE, e));
  MLP_TRY(mlp_want_same_dtype(c, SCORE, BIAS, e));
  MLP_TRY(mlp_want_ndim(c, SCORE, 2, 2, e));
  sizes s = sizes_of(c);
  if (s.K < 1 || s.K > s.E)
    return mlp_refuse(e, "route: top_k is %lld but 1 to %lld, the number of experts, is wanted",
                      (long long)s.K, (long long)s.E);
  const mlp_tensor *b = c->in[BIAS];
  if (b && (b->shape.ndim != 1 || b->shape.dim[0] != s.E))
    return mlp_refuse(e, "route: bias has not one number for each of %lld experts", (long long)s.E);
  MLP_TRY(want_groups(c, s, e));
  if (c->value[CAPACITY].integer < 0)
    return mlp_refuse(e, "route: capacity is %lld but at least 0 is wanted",
                      (long long)c->value[CAPACITY].integer);
  mlp_shape pairs = {.ndim = 2, .dim = {s.T, s.K}}, each = {.ndim = 1, .dim = {s.E}};
  c->work_bytes = (size_t)(3 * s.E + 2 * s.T * s.K + 1) * sizeof(double);
  MLP_TRY(mlp_out(c, MLP_I64, &pairs, e));
  MLP_TRY(mlp_out(c, MLP_I64, &pairs, e));
  MLP_TRY(mlp_out(c, MLP_I64, &each, e));
  return mlp_out(c, MLP_I64, &each, e);
}

static double number_at(const mlp_tensor *t, int64_t i) {
  return t->dtype == MLP_F32 ? (double)((const float *)mlp_tensor_data(t))[i]
                             : ((const double *)mlp_tensor_data(t))[i];
}

static mlp_status route_check(const mlp_call *c, mlp_error *e) {
  char place[MLP_POSITION_TEXT];
  int64_t n = mlp_tensor_count(c->in[SCORE]);
  for (int64_t i = 0; i < n; i++)
    if (isnan(number_at(c->in[SCORE], i)))
      return mlp_refuse(e, "route: %s is not a number", mlp_position_text(place, c, SCORE, i));
  return MLP_OK;
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* The two best of n, added; the one, of one. */
static double worth_of(const double *score, int64_t n) {
  double first = -INFINITY, second = -INFINITY;
  for (int64_t i = 0; i < n; i++) {
    if (score[i] > first)
      second = first, first = score[i];
    else if (score[i] > second)
      second = score[i];
  }
  double sum = n > 1 ? first + second : first;
  return isnan(sum) ? -INFINITY : sum;
}

/* The place of the largest that is in the race: a NaN is not. */
static int64_t best_of(const double *score, int64_t n) {
  int64_t best = -1;
  for (int64_t i = 0; i < n; i++)
    if (!isnan(score[i]) && (best < 0 || score[i] > score[best])) best = i;
  return best;
}

/* Leaves the scores of the best groups and takes all others out of the race. */
static void keep_groups(double *score, double *worth, sizes s, int64_t groups, int64_t limit) {
  int64_t each = s.E / groups;
  for (int64_t g = 0; g < groups; g++) worth[g] = worth_of(score + g * each, each);
  for (int64_t n = 0; n < limit; n++) worth[best_of(worth, groups)] = NAN;
  for (int64_t g = 0; g < groups; g++)
    for (int64_t i = 0; !isnan(worth[g]) && i < each; i++) score[g * each + i] = NAN;
}

/* The K best places of `score`, the best first. */
static void choose(int64_t *expert, double *score, sizes s) {
  for (int64_t k = 0; k < s.K; k++) {
    int64_t best = best_of(score, s.E);
    score[best] = NAN;
    expert[k] = best + 1;
  }
}

/* inf - inf, of a score and a bias, is the last choice. */
static double biased(const mlp_call *c, int64_t place, int64_t expert) {
  double sum = number_at(c->in[SCORE], place) + (c->in[BIAS] ? number_at(c->in[BIAS], expert) : 0);
  return isnan(sum) ? -INFINITY : sum;
}

static void choose_all(const mlp_call *c, sizes s, double *work) {
  int64_t *expert = mlp_result(c, EXPERT), groups = c->value[GROUPS].integer;
  int64_t limit = c->value[GROUP_LIMIT].integer;
  double *score = work, *worth = work + s.E;
  for (int64_t t = 0; t < s.T; t++) {
    for (int64_t i = 0; i < s.E; i++) score[i] = biased(c, t * s.E + i, i);
    if (limit > 0 && limit < groups) keep_groups(score, worth, s, groups, limit);
    choose(expert + t * s.K, score, s);
  }
}

/* ---- sorting --------------------------------------------------------------------------------- */

/* Is this pair among the C of its expert that are kept when the highest scores are? Of equals the
** first to come. Pairs of an expert are few beside T: a count of those before it will do. */
static bool among_highest(const mlp_call *c, sizes s, const int64_t *member, int64_t n,
                          int64_t pair, int64_t i) {
  double mine = number_at(c->in[SCORE], pair / s.K * s.E + i);
  int64_t before = 0, C = c->value[CAPACITY].integer;
  for (int64_t j = 0; j < n && before < C; j++) {
    double other = number_at(c->in[SCORE], member[j] / s.K * s.E + i);
    before += other > mine || (other == mine && member[j] < pair);
  }
  return before < C;
}

/* The pair (t, k) that comes n-th: first choices before second ones when there is a capacity, in
** the order of the tokens otherwise. */
static int64_t pair_at(sizes s, int64_t n, bool ranked) {
  return ranked ? n % s.T * s.K + n / s.T : n;
}

/* Pairs sorted by expert into `sorted`, stable; `start` (E + 1) holds where each begins. */
static void sort_pairs(const mlp_call *c, sizes s, bool ranked, int64_t *sorted, int64_t *start) {
  const int64_t *expert = mlp_result(c, EXPERT), A = s.T * s.K;
  memset(start, 0, (size_t)(s.E + 1) * sizeof *start);
  for (int64_t p = 0; p < A; p++) start[expert[p]]++;
  for (int64_t i = 0; i < s.E; i++) ((int64_t *)mlp_result(c, LOAD))[i] = start[i + 1];
  for (int64_t i = 1; i <= s.E; i++) start[i] += start[i - 1];
  for (int64_t n = 0; n < A; n++) {
    int64_t p = pair_at(s, n, ranked);
    sorted[start[expert[p] - 1]++] = p;
  }
  for (int64_t i = s.E; i > 0; i--) start[i] = start[i - 1];
  start[0] = 0;
}

/* Kept pairs take the next row, dropped ones wait for the rows after all experts. */
static void place_pairs(const mlp_call *c, sizes s, const int64_t *sorted, const int64_t *start,
                        int64_t *dropped) {
  int64_t *place = mlp_result(c, PLACE), *count = mlp_result(c, COUNT), row = 0, lost = 0;
  int64_t C = c->value[CAPACITY].integer;
  bool highest = c->value[KEEP].integer == 1;
  for (int64_t i = 0; i < s.E; i++) {
    const int64_t *member = sorted + start[i], n = start[i + 1] - start[i];
    count[i] = 0;
    for (int64_t j = 0; j < n; j++) {
      bool kept =
          C == 0 || n <= C || (highest ? among_highest(c, s, member, n, member[j], i) : j < C);
      if (!kept) {
        dropped[lost++] = member[j];
        continue;
      }
      place[member[j]] = ++row;
      count[i]++;
    }
  }
  for (int64_t j = 0; j < lost; j++) place[dropped[j]] = ++row;
}

static void route_run(mlp_call *c) {
  sizes s = sizes_of(c);
  int64_t *start = c->work, *sorted = start + s.E + 1, *dropped = sorted + s.T * s.K;
  choose_all(c, s, c->work);
  sort_pairs(c, s, c->value[CAPACITY].integer > 0, sorted, start);
  place_pairs(c, s, sorted, start, dropped);
}

extern const mlp_row mlp_row_route;
const mlp_row mlp_row_route = {
    .name = "route",
    .doc =
        "The K best experts of every token and its rows among those sorted by expert\nGives expert "
        "(T, K), the best first; place (T, K), the row of each; count (E), rows of every expert; "
        "load (E), how many chose it, dropped ones too. All int64, from 1.",
    .arg = {{MLP_ARG_TENSOR, "score", "(T, E)", NULL, NULL, false},
            {MLP_ARG_MAYBE, "bias", "(E), added for the choice only", "nil", NULL, true},
            {MLP_ARG_INTEGER, "top_k", "K", "1", NULL, true},
            {MLP_ARG_INTEGER, "groups", "that the experts stand in", "1", NULL, true},
            {MLP_ARG_INTEGER, "group_limit", "groups a token may use; 0: all", "0", NULL, true},
            {MLP_ARG_INTEGER, "capacity", "tokens an expert keeps; 0: all", "0", NULL, true},
            {MLP_ARG_CHOICE, "keep", "which, when there are more", "first", KEEPS, true}},
    .flags = MLP_NO_GRADIENT | MLP_NOT_A_METHOD,
    .n_out = 4,
    .infer = route_infer,
    .check = route_check,
    .run = route_run,
    .tiling = mlp_tiling_whole,
};
