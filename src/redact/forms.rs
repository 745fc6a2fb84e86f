//! Keys by their form: the prefixes by which vendors mark their secrets.
//!
//! The prefixes are facts from the vendors' documentation and from the public rules of secret scanners
//! (<https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns>,
//! <https://github.com/gitleaks/gitleaks>).

use super::span::{Kind, Span};
use super::token::{is_boundary, is_key_body, key_length};
use aho_corasick::{AhoCorasick, MatchKind};

/// A prefix, and the fewest bytes that follow it in a real key.
type Form = (&'static str, usize);

/// Providers of models and the tools around them.
const MODELS: &[Form] = &[
    ("sk-", 12),
    ("sk_", 16),
    ("sess-", 24),
    ("AIza", 20),
    ("AQ.", 24),
    ("gsk_", 12),
    ("xai-", 12),
    ("hf_", 12),
    ("api_org_", 12),
    ("pplx-", 12),
    ("r8_", 16),
    ("csk-", 12),
    ("fw_", 16),
    ("nvapi-", 16),
    ("tgp_v1_", 16),
    ("jina_", 24),
    ("tvly-", 16),
    ("lsv2_", 24),
    ("ls__", 24),
    ("wandb_v1_", 24),
    ("bedrock-api-key-", 24),
    ("llx-", 24),
    ("pcsk_", 24),
    ("bb_live_", 16),
    ("e2b_", 24),
    ("esecret_", 20),
    ("opk_", 24),
    ("bt-st-", 24),
    ("m0-", 24),
    ("phc_", 24),
    ("phx_", 24),
    ("pk-lf-", 24),
    ("bce-v3/", 24),
    ("apify_api_", 24),
    ("eyJ", 24),
];

/// Clouds and their stores.
const CLOUDS: &[Form] = &[
    ("IQoJb3JpZ2lu", 40),
    ("FwoGZXIvYXdz", 40),
    ("FQoGZXIvYXdz", 40),
    ("ya29.", 12),
    ("1//0", 30),
    ("GOCSPX-", 20),
    ("ALTAK", 16),
    ("AQVN", 32),
    ("dop_v1_", 16),
    ("doo_v1_", 16),
    ("dor_v1_", 16),
    ("fo1_", 24),
    ("fm1r_", 24),
    ("fm1a_", 24),
    ("fm2_", 24),
    ("FlyV1 fm2_", 24),
    ("sbp_", 24),
    ("sb_secret_", 16),
    ("nfp_", 24),
    ("nfc_", 24),
    ("rnd_", 24),
    ("HRKU-", 24),
    ("napi_", 32),
    ("pscale_tkn_", 24),
    ("pscale_pw_", 24),
    ("pscale_oauth_", 24),
    ("mdb_sa_sk_", 24),
    ("v1.0-", 60),
    ("cfut_", 24),
    ("cfat_", 24),
    ("tskey-", 16),
    ("ocid1.credential.", 24),
    ("vcp_", 20),
    ("vca_", 20),
];

/// Source code, packages and secrets of teams.
const DEVELOPMENT: &[Form] = &[
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("glrt-", 16),
    ("glrtr-", 16),
    ("gldt-", 16),
    ("glft-", 16),
    ("glptt-", 16),
    ("glcbt-", 16),
    ("glimt-", 16),
    ("glagent-", 24),
    ("gloas-", 24),
    ("glsoat-", 16),
    ("glffct-", 16),
    ("GR1348941", 16),
    ("ATATT3", 24),
    ("ATCTT3", 24),
    ("ATBB", 24),
    ("lin_api_", 24),
    ("lin_oauth_", 24),
    ("ntn_", 24),
    ("secret_", 32),
    ("figd_", 24),
    ("npm_", 20),
    ("pypi-", 40),
    ("rubygems_", 24),
    ("CLOJARS_", 24),
    ("dckr_pat_", 16),
    ("dckr_oat_", 16),
    ("hvs.", 20),
    ("hvb.", 20),
    ("hvr.", 20),
    ("dp.pt.", 24),
    ("dp.st.", 24),
    ("dp.ct.", 24),
    ("dp.sa.", 24),
    ("pul-", 32),
    ("ops_eyJ", 24),
    ("AGE-SECRET-KEY-1", 24),
    ("bkua_", 24),
    ("CCIPAT_", 24),
    ("CCIPRJ_", 24),
    ("PMAK-", 24),
    ("rdme_", 24),
    ("sha256~", 24),
    ("tfp_", 24),
    ("pnu_", 24),
    ("CFPAT-", 24),
    ("pat-na1-", 24),
    ("pat-eu1-", 24),
    ("tk-us-", 24),
    ("p8e-", 24),
];

/// Messages, payments, observability and the rest.
const SERVICES: &[Form] = &[
    ("xoxa-", 12),
    ("xoxb-", 12),
    ("xoxc-", 12),
    ("xoxd-", 12),
    ("xoxe-", 12),
    ("xoxe.xox", 12),
    ("xoxo-", 12),
    ("xoxp-", 12),
    ("xoxr-", 12),
    ("xoxs-", 12),
    ("xapp-", 12),
    ("xwfp-", 12),
    ("rk_live_", 12),
    ("rk_test_", 12),
    ("rk_prod_", 12),
    ("whsec_", 16),
    ("sq0atp-", 20),
    ("sq0csp-", 20),
    ("shpat_", 24),
    ("shpca_", 24),
    ("shppa_", 24),
    ("shpss_", 24),
    ("shippo_", 24),
    ("FLWSECK", 12),
    ("duffel_", 24),
    ("SG.", 24),
    ("xkeysib-", 24),
    ("xsmtpsib-", 24),
    ("re_", 20),
    ("glsa_", 24),
    ("glc_", 24),
    ("sntrys_", 24),
    ("sntryu_", 24),
    ("dt0c01.", 24),
    ("dt0s01.", 24),
    ("NRAK-", 16),
    ("NRII-", 16),
    ("NRJS-", 16),
    ("NRRA-", 16),
    ("hcaik_", 24),
    ("hcalk_", 24),
    ("hcxik_", 24),
    ("sgp_", 32),
    ("sk.eyJ", 24),
    ("pk.eyJ", 24),
    ("fio-u-", 24),
    ("ico-", 24),
    ("cal_live_", 20),
    ("scp-live-", 20),
    ("squ_", 32),
    ("sqp_", 32),
    ("sqa_", 32),
    ("s-s4t2ud-", 32),
    ("s-s4t2af-", 32),
];

/// Short prefixes that ordinary names have as well: one run of letters and digits follows them in a key.
const SOLID: &[Form] = &[
    ("ak-", 20),
    ("as-", 20),
    ("wk-", 20),
    ("ws-", 20),
    ("pa-", 40),
    ("dapi", 32),
    ("nk-", 32),
    ("fc-", 32),
    ("LTAI", 16),
    ("AKID", 28),
    ("SCW", 17),
    ("cio", 32),
    ("oy2", 40),
    ("SK", 32),
    ("key-", 32),
    ("EAAA", 40),
    ("EAAM", 60),
    ("EAAC", 60),
    ("EZAK", 40),
    ("EZTK", 40),
    ("AKCp", 40),
    ("cmVmd", 40),
    ("ABSK", 40),
    ("AKIA", 12),
    ("ASIA", 12),
    ("ABIA", 16),
    ("ACCA", 16),
];

/// Prefixes of keys with signs in them that other keys do not have, and the sign.
const UNUSUAL: [(&str, u8); 2] = [("access_token$", b'$'), ("A3-", b'-')];

/// The fewest bytes of a key with its prefix.
const SHORTEST: usize = 15;

/// The first bytes of a text, at most three, as a number; 0 for each that it does not have.
fn head(bytes: &[u8], length: usize) -> u32 {
    let byte = |at: usize| if at < length { bytes.get(at).copied().map_or(0, u32::from) } else { 0 };
    byte(0) << 16 | byte(1) << 8 | byte(2)
}

/// Finds keys by their prefixes.
#[derive(Clone, Debug)]
pub(super) struct Forms {
    prefixes: AhoCorasick,
    /// The fewest bytes behind each prefix, and whether they are one run.
    bodies: Vec<(usize, bool)>,
    /// The first three bytes of every prefix, sorted; 0 where a prefix is shorter.
    heads: Vec<u32>,
    /// The first two bytes of every prefix, as numbers of [`pair`].
    pairs: [bool; 1 << 10],
}

/// The number of a pair of bytes; a few pairs share one.
fn pair(first: u8, second: u8) -> usize {
    usize::from(first & 31) << 5 | usize::from(second & 31)
}

impl Default for Forms {
    fn default() -> Self {
        let open =
            [MODELS, CLOUDS, DEVELOPMENT, SERVICES].into_iter().flatten().map(|(prefix, least)| (*prefix, (*least, false)));
        let solid = SOLID.iter().map(|(prefix, least)| (*prefix, (*least, true)));
        let (prefixes, bodies): (Vec<_>, _) = open.chain(solid).unzip();
        let prefixes: Vec<&str> = prefixes;
        let mut heads: Vec<u32> = prefixes.iter().map(|prefix| head(prefix.as_bytes(), prefix.len())).collect();
        heads.sort_unstable();
        heads.dedup();
        let mut pairs = [false; 1 << 10];
        for prefix in &prefixes {
            if let [first, second, ..] = *prefix.as_bytes() {
                pairs[pair(first, second)] = true;
            }
        }
        let prefixes = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(prefixes);
        Self { prefixes: prefixes.expect("a short list of short words"), bodies, heads, pairs }
    }
}

impl Forms {
    /// Whether there is any prefix in a text, be it in the middle of a word.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.prefixes.is_match(text) || UNUSUAL.iter().any(|(prefix, _)| text.contains(prefix))
    }

    /// Whether a name may be a key: it is as long as the shortest and starts like one.
    pub(super) fn may_start(&self, name: &[u8]) -> bool {
        let [first, second, ..] = *name else { return false };
        name.len() >= SHORTEST
            && self.pairs[pair(first, second)]
            && [2, 3].iter().any(|length| self.heads.binary_search(&head(name, *length)).is_ok())
    }

    /// Where keys are.
    pub(super) fn find(&self, text: &str, spans: &mut Vec<Span>) {
        for found in self.prefixes.find_iter(text) {
            let Some(body) = text.get(found.end()..).filter(|_| is_boundary(text, found.start())) else { continue };
            let body = body.get(..key_length(body)).unwrap_or_default();
            let (least, is_solid) = self.bodies[found.pattern().as_usize()];
            let run = if is_solid { body.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(body.len()) } else { body.len() };
            if run >= least && is_key_body(body) {
                spans.push(Span { start: found.start(), end: found.end() + body.len(), kind: Kind::Key });
            }
        }
        for (prefix, sign) in UNUSUAL {
            for (start, _) in text.match_indices(prefix) {
                let body = text.as_bytes()[start + prefix.len()..].iter();
                let length = body.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == sign).count();
                if length >= 24 && is_boundary(text, start) {
                    spans.push(Span { start, end: start + prefix.len() + length, kind: Kind::Key });
                }
            }
        }
    }

    /// The first key that a text shows.
    pub(super) fn first<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut found = self.prefixes.find_iter(text).filter(|found| is_boundary(text, found.start()));
        found.find_map(|found| {
            let length = key_length(text.get(found.end()..)?);
            // The end of a JWT says nothing. A key that its provider masked is shorter than a whole one.
            let is_key = !found.is_empty() && length > 6 && text.get(found.start()..found.end()) != Some("eyJ");
            is_key.then(|| text.get(found.start()..found.end() + length)).flatten()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_is_a_key_with_a_body_and_none_without() {
        let forms = Forms::default();
        for (prefix, least) in [MODELS, CLOUDS, DEVELOPMENT, SERVICES, SOLID].concat() {
            let body: String = "a1B2c3D4e5".chars().cycle().take(least).collect();
            let key = format!("{prefix}{body}");
            let mut spans = Vec::new();
            forms.find(&format!("key '{key}' is wrong"), &mut spans);
            assert_eq!(spans, [Span { start: 5, end: 5 + key.len(), kind: Kind::Key }], "{key}");
            assert!(forms.may_start(key.as_bytes()), "{key}");
            spans.clear();
            forms.find(&format!("{prefix}name_of_a_parameter_that_is_longer_than_many_keys are"), &mut spans);
            assert_eq!(spans, [], "{prefix}");
        }
    }
}
