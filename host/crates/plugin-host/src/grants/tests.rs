use proptest::prelude::*;

use super::*;

fn rule(resources: &[&str], verbs: &[Verb], namespaces: NamespaceScope) -> Rule {
    Rule {
        api_groups: vec![String::new()],
        resources: resources.iter().map(|&resource| resource.to_owned()).collect(),
        verbs: verbs.to_vec(),
        namespaces,
    }
}

fn core(plural: &str) -> ResourceRef {
    ResourceRef {
        group: String::new(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        namespace: String::new(),
    }
}

fn grants(asked: Vec<Rule>, allowed: Allowed<Rule>) -> Grants {
    let asked = Permissions { kubernetes: asked, ..Permissions::default() };
    Grants::new(asked, Allow { kubernetes: allowed, ..Allow::default() })
}

fn check(grants: &Grants, verb: Verb, plural: &str, namespace: &str, expected: bool) {
    let made = RunNamespaces::from_iter(["mine"]);
    assert_eq!(
        grants.allows(verb, &core(plural), namespace, &made),
        expected,
        "{verb} {plural} in `{namespace}`"
    );
}

#[test]
fn nothing_is_granted_that_is_only_asked_or_only_allowed() {
    let pods = rule(&["pods"], &[Verb::Create], NamespaceScope::All);
    check(&grants(vec![pods.clone()], Allowed::default()), Verb::Create, "pods", "mine", false);
    check(&grants(Vec::new(), Allowed::Only(vec![pods.clone()])), Verb::Create, "pods", "mine", false);
    check(&grants(vec![pods], Allowed::AllAsked), Verb::Create, "pods", "mine", true);
}

#[test]
fn the_scope_run_means_only_namespaces_that_the_run_made() {
    let grants = grants(vec![rule(&["pods"], &[Verb::Create], NamespaceScope::Run)], Allowed::AllAsked);
    check(&grants, Verb::Create, "pods", "mine", true);
    check(&grants, Verb::Create, "pods", "kube-system", false);
    check(&grants, Verb::Create, "pods", "", false);
    check(&grants, Verb::Delete, "pods", "mine", false);
    assert!(grants.covers(Verb::Create, &core("pods")));
    assert!(!grants.covers(Verb::Create, &core("secrets")));
}

#[test]
fn a_scenario_narrows_what_a_plugin_asks() {
    let asked = rule(&["*"], &[Verb::List, Verb::Watch], NamespaceScope::All);
    let allowed = rule(&["pods"], &[Verb::List], NamespaceScope::Named(vec!["prod".to_owned()]));
    let grants = grants(vec![asked], Allowed::Only(vec![allowed]));
    check(&grants, Verb::List, "pods", "prod", true);
    check(&grants, Verb::List, "pods", "mine", false);
    check(&grants, Verb::Watch, "pods", "prod", false);
    check(&grants, Verb::List, "secrets", "prod", false);
    let made = RunNamespaces::from_iter(["mine"]);
    let namespaces = grants.namespaces(Verb::List, &core("pods"), &made);
    assert_eq!(namespaces, GrantedNamespaces::Only(vec!["prod".to_owned()]));
}

#[test]
fn proxy_targets_match_by_name_or_by_a_star_at_the_end() {
    let asked = Permissions { proxy: vec!["nodes/*".to_owned()], ..Permissions::default() };
    let only = Allowed::Only(vec!["nodes/a:9100".to_owned()]);
    let grants = Grants::new(asked.clone(), Allow { proxy: only, ..Allow::default() });
    assert!(grants.proxy("nodes/a:9100"));
    assert!(!grants.proxy("nodes/b:9100"));
    assert!(!grants.proxy("apiserver"));
    assert!(Grants::new(asked, Allow::all_asked()).proxy("nodes/b:9100"));
}

#[test]
fn raw_columns_need_the_grant_raw() {
    let asked = Permissions { raw: true, ..Permissions::default() };
    assert!(!Grants::new(asked.clone(), Allow::default()).projection(ParseAs::Raw));
    assert!(Grants::new(asked, Allow::all_asked()).projection(ParseAs::Raw));
    assert!(Grants::none().projection(ParseAs::Text));
}

fn verbs() -> impl Strategy<Value = Vec<Verb>> {
    prop::collection::vec(prop::sample::select(vec![Verb::Get, Verb::List, Verb::Create, Verb::Delete]), 0..3)
}

fn scopes() -> impl Strategy<Value = NamespaceScope> {
    let named = prop::collection::vec(prop::sample::select(vec!["a", "b", "mine"]), 0..3)
        .prop_map(|names| NamespaceScope::Named(names.into_iter().map(str::to_owned).collect()));
    prop_oneof![Just(NamespaceScope::Run), Just(NamespaceScope::All), named]
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let resources = prop::collection::vec(prop::sample::select(vec!["pods", "services", "*"]), 0..3);
    let one =
        (resources, verbs(), scopes()).prop_map(|(resources, verbs, scope)| rule(&resources, &verbs, scope));
    prop::collection::vec(one, 0..4)
}

proptest! {
    #[test]
    fn a_grant_is_never_more_than_either_side(
        asked in rules(),
        allowed in rules(),
        verb in prop::sample::select(vec![Verb::Get, Verb::List, Verb::Create, Verb::Delete]),
        plural in prop::sample::select(vec!["pods", "services", "secrets"]),
        namespace in prop::sample::select(vec!["a", "b", "mine", "other", ""]),
    ) {
        let made = RunNamespaces::from_iter(["mine"]);
        let target = core(plural);
        let both = grants(asked.clone(), Allowed::Only(allowed.clone()));
        let granted = both.allows(verb, &target, namespace, &made);
        let by_asked = grants(asked.clone(), Allowed::AllAsked).allows(verb, &target, namespace, &made);
        let by_allowed = grants(allowed.clone(), Allowed::AllAsked).allows(verb, &target, namespace, &made);
        prop_assert_eq!(granted, by_asked && by_allowed);
        prop_assert!(!granted || both.covers(verb, &target));
        let swapped = grants(allowed, Allowed::Only(asked)).allows(verb, &target, namespace, &made);
        prop_assert_eq!(granted, swapped);
        match both.namespaces(verb, &target, &made) {
            GrantedNamespaces::All => prop_assert!(granted),
            GrantedNamespaces::Only(names) if !namespace.is_empty() => {
                prop_assert_eq!(granted, names.iter().any(|name| name == namespace));
            }
            GrantedNamespaces::Only(_) => prop_assert!(!granted),
        }
    }
}
