/* Full-batch gradient descent in O(n + k) a step, scalar and branch-free: the yardstick of engine.py. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static inline int is_left(double w, double b, double x)
{
    double product = w * x;
    return (product + b > 0.0) != (w > 0.0);
}

double descend(double *w1, double *b1, double *w2, double *b2, int64_t k, const double *x /* padded n+2 */,
               const double *y, const double *v, int64_t n, double eta, int64_t steps, int logistic)
{
    const double *in = x + 1;
    int32_t *pos = malloc(k * sizeof *pos);
    double *bins = calloc(2 * (n + 1), sizeof *bins), *sums = calloc(2 * (n + 1), sizeof *sums);
    double loss = 0.0;
    for (int64_t j = 0; j < k; j++) {
        int32_t low = 0, high = (int32_t)n;
        while (low < high) {
            int32_t middle = (low + high) / 2;
            if (is_left(w1[j], b1[j], in[middle])) low = middle + 1;
            else high = middle;
        }
        pos[j] = low;
    }
    for (int64_t t = -1; t < steps; t++) {
        double rate = t < 0 ? 0.0 : eta, S = 0.0, B = (*b2 -= rate * sums[2 * n + 1]);
        const double Q = sums[2 * n], R = sums[2 * n + 1];
        for (int64_t j = 0; j < k; j++) {
            int32_t p = pos[j];
            double w = w1[j], b = b1[j], a = w2[j];
            int right = w > 0.0;
            double q = right ? Q - sums[2 * p] : sums[2 * p], r = right ? R - sums[2 * p + 1] : sums[2 * p + 1];
            double wn = w - rate * a * q, bn = b - rate * a * r, an = a - rate * (w * q + b * r);
            w1[j] = wn; b1[j] = bn; w2[j] = an;
            p += is_left(wn, bn, x[p + 1]);
            p -= !is_left(wn, bn, x[p]);
            while (is_left(wn, bn, x[p + 1])) p++;
            while (!is_left(wn, bn, x[p])) p--;
            pos[j] = p;
            double s = wn > 0.0 ? an : -an, dw = s * wn, db = s * bn;
            bins[2 * p] += dw; bins[2 * p + 1] += db;
            S += wn > 0.0 ? 0.0 : an * wn;
            B += wn > 0.0 ? 0.0 : an * bn;
        }
        double m = 0.0, g = 0.0;
        loss = 0.0;
        for (int64_t i = 0; i < n; i++) {
            S += bins[2 * i]; B += bins[2 * i + 1];
            bins[2 * i] = bins[2 * i + 1] = 0.0;
            double f = S * in[i] + B, d;
            if (logistic) {
                d = -v[i] * y[i] / (1.0 + exp(y[i] * f));
                if (t == steps - 1) loss += v[i] * (fmax(-y[i] * f, 0.0) + log1p(exp(-fabs(f))));
            } else {
                d = v[i] * (f - y[i]);
                loss += 0.5 * d * (f - y[i]);
            }
            m += d * in[i]; g += d;
            sums[2 * i + 2] = m; sums[2 * i + 3] = g;
        }
        bins[2 * n] = bins[2 * n + 1] = 0.0;
    }
    free(pos); free(bins); free(sums);
    return loss;
}
