// The filters of Whitening layers, from the images that a network trains on.
#pragma once

#include <vector>

#include "core/store.h"
#include "train/network.h"

namespace cairn {

/// Images whose patches are taken: the first of a data set.
inline constexpr int64_t kWhiteningImages = 5000;
/// Added to each variance, so that noise isn't blown up.
inline constexpr double kWhiteningEpsilon = 5e-4;

/// Filters of 2 d patches, one after the other, d = C kernel kernel: with e_i and l_i the
/// eigenvectors and eigenvalues of the patches' second moments (d,d) in normalised images, the
/// largest first,
///
///   e_i / sqrt(l_i + kWhiteningEpsilon),   then the same times -1
///
/// Patches p, in order (C,kernel,kernel), then have uncorrelated components of second moment
/// l_i / (l_i + kWhiteningEpsilon).
std::vector<double> whitening_filters(const Network& network, const Dataset& data, int64_t kernel);

/// Fills the buffers of `store` that begin as Init::Kind::whitening. An Error where such filters
/// are for other channels than the images have.
void initialize_whitening(Store& store, const Network& network, const Dataset& data);

}  // namespace cairn
