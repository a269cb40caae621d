#pragma once

#include "connector/crypto/x509.hpp"

#include <map>
#include <optional>

struct X509_crl_st;

namespace sluis::crypto {

/// A list of revoked certificates (RFC 5280, section 5): whole, of one authority. Copies share it. Thread-safe.
class RevocationList {
 public:
  /// The lists of a PEM text, or the one in DER, as authorities serve it (RFC 2585). invalid_argument: none, more than kMost, or one that
  /// cannot be read whole; a list of changes only or of a part of the certificates, which says nothing of the others.
  static Result<std::vector<RevocationList>> read(std::string_view bytes);
  static constexpr std::size_t kMost = 64;

  /// As one line, for people, and as bytes, to tell authorities apart.
  std::string issuer() const;
  std::string issuer_der() const;
  /// The CRL number, big-endian and without leading zeros (so the longer one is the larger); nothing where it has none.
  std::optional<std::string> number() const;
  Timestamp this_update() const;
  std::optional<Timestamp> next_update() const;
  std::string der() const;
  std::string pem() const;

  /// Whether this authority may sign such lists, and signed this one.
  bool signed_by(const Certificate& authority) const;
  /// Why this certificate is on the list: a reason of RFC 5280, section 5.3.1, 0 where none is given. Nothing: it is not, or another
  /// authority issued it.
  std::optional<int> reason(const x509_st* certificate) const;

  static constexpr int kSuperseded = 4;  ///< another took its place; its key is not in doubt

 private:
  explicit RevocationList(std::shared_ptr<X509_crl_st> list) : list_(std::move(list)) {}
  static Result<RevocationList> wrap(X509_crl_st* list);
  std::shared_ptr<X509_crl_st> list_;
};

/// Whether an authority's certificate leads to one of the roots, in time. `others`: those that may stand between.
bool leads_to_root(const Certificate& authority, const std::vector<Certificate>& others, const std::vector<Certificate>& roots, Timestamp at);

/// Which of two lists of one authority is the newer one: by number where both have one, else by `this_update`.
enum class ListOrder : std::uint8_t { newer, same, older, another };  ///< another: of the same rank, with other content
ListOrder compare(const RevocationList& offered, const RevocationList& held);

}  // namespace sluis::crypto
