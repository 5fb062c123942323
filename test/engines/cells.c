/* One direction of an RNN, GRU or LSTM in C, as people write it by hand. TANH_… says how tanh is written. */
#include <math.h>
#include <stdlib.h>

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

static float activated(float x) {
#if defined(TANH_SIGMOID)
  return 2.0f * sigmoid(2.0f * x) - 1.0f;
#elif defined(TANH_FRACTION)
  float e = expf(2.0f * (x < 40.0f ? x : 40.0f));
  return (e - 1.0f) / (e + 1.0f);
#elif defined(TANH_DIFFERENCE)
  return 1.0f - 2.0f / (expf(2.0f * (x < 40.0f ? x : 40.0f)) + 1.0f);
#elif defined(TANH_NEGATIVE)
  float e = expf(-2.0f * (x > -40.0f ? x : -40.0f));
  return (1.0f - e) / (1.0f + e);
#else
  return tanhf(x);
#endif
}

static float dot(const float *a, const float *b, int n) {
  float sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* kind: 0 RNN, 1 GRU, 2 LSTM, 3 RNN with relu. Arrays are row-major; h and c [batch, hidden] are read and written. */
void run(int kind, int steps, int batch, int inputs, int hidden, const float *w, const float *r, const float *bw,
         const float *br, const float *x, float *h, float *c, float *y) {
  int gates = kind == 1 ? 3 : kind == 2 ? 4 : 1;
  float *in = malloc(gates * hidden * sizeof(float)), *rec = malloc(gates * hidden * sizeof(float));
  for (int t = 0; t < steps; t++) {
    for (int b = 0; b < batch; b++) {
      float *hb = h + b * hidden, *cb = c + b * hidden, *out = y + (t * batch + b) * hidden;
      for (int k = 0; k < gates * hidden; k++) {
        in[k] = dot(w + k * inputs, x + (t * batch + b) * inputs, inputs) + bw[k];
        rec[k] = dot(r + k * hidden, hb, hidden) + br[k];
      }
      for (int j = 0; j < hidden; j++) {
        if (kind == 0) out[j] = activated(in[j] + rec[j]);
        if (kind == 3) out[j] = fmaxf(in[j] + rec[j], 0.0f);
        if (kind == 1) {
          float reset = sigmoid(in[j] + rec[j]), z = sigmoid(in[hidden + j] + rec[hidden + j]);
          float n = activated(in[2 * hidden + j] + reset * rec[2 * hidden + j]);
          out[j] = (1.0f - z) * n + z * hb[j];
        }
        if (kind == 2) {
          float i = sigmoid(in[j] + rec[j]), f = sigmoid(in[hidden + j] + rec[hidden + j]);
          float g = activated(in[2 * hidden + j] + rec[2 * hidden + j]), o = sigmoid(in[3 * hidden + j] + rec[3 * hidden + j]);
          cb[j] = f * cb[j] + i * g;
          out[j] = o * activated(cb[j]);
        }
      }
      for (int j = 0; j < hidden; j++) hb[j] = out[j];
    }
  }
  free(in);
  free(rec);
}
