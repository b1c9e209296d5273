// Marks functions that run on the host and on the device alike.
#pragma once

#ifdef __CUDACC__
#define CAIRN_HD __host__ __device__
#else
#define CAIRN_HD
#endif
