use hum_core::broadband::Product;

use super::*;
use crate::broadband::plans::{Catalogue, PLANS_FILE, PlansError, PlansImport, PlansImported};

const COLUMNS: &str = "brand_name,sku,name,technology,download_speed,upload_speed,price,effective_from,effective_to,states,zips";

struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    /// A provider with fiber and copper, FRN 1, id 11.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<String> = (0..4)
            .flat_map(|location| {
                [(50, "1000/1000"), (10, "50/5")].map(|(code, speeds)| {
                    row(
                        "1/11/Bell",
                        location,
                        code,
                        speeds,
                        'X',
                        "261251630001001",
                        &cell(0),
                    )
                })
            })
            .collect();
        import(folder.path(), "J25_14nov2025", &rows).unwrap();
        Self { folder }
    }

    fn import_with(&self, options: &PlansImport, text: &str) -> Result<PlansImported, PlansError> {
        let file = self.folder.path().join("file");
        std::fs::write(&file, text).unwrap();
        options.run(self.folder.path(), &file, now())
    }

    fn import(&self, text: &str) -> PlansImported {
        self.import_with(&PlansImport::default(), text).unwrap()
    }

    fn provider(&self, day: &str) -> Provider {
        let map = LocalBroadbandMap::open(self.folder.path()).unwrap();
        let at = format!("{day}T12:00:00Z").parse().unwrap();
        ask(&map, &place(Precision::Rooftop, None), at)
            .providers
            .remove(0)
    }

    fn products(&self, day: &str) -> Vec<Product> {
        self.provider(day)
            .product_catalog
            .iter()
            .flat_map(|group| group.products.clone())
            .collect()
    }

    /// `sku price` of each.
    fn sold(&self, day: &str) -> Vec<String> {
        let show = |product: Product| format!("{} {}", product.sku, product.price.amount_cents);
        self.products(day).into_iter().map(show).collect()
    }
}

fn csv(rows: &[&str]) -> String {
    format!("{COLUMNS}\n{}\n", rows.join("\n"))
}

#[test]
fn the_plans_in_effect_at_the_time_are_answered() {
    let shop = Shop::new();
    shop.import(&csv(&[
        "bell,A,Plan A,,300,30,50.00,2026-01-01,,,",
        "bell,B,Plan B,,100,10,30,2026-01-01,2026-06-30,,",
    ]));
    shop.import(&csv(&[
        "bell,A,Plan A,,300,30,55,2026-12-01,,,",
        "bell,A,Plan A,,300,30,45,2026-11-27,2026-11-29,,",
    ]));
    assert_eq!(shop.sold("2025-12-31"), [""; 0]);
    assert_eq!(shop.sold("2026-06-30"), ["A 5000", "B 3000"]);
    assert_eq!(shop.sold("2026-07-01"), ["A 5000"]);
    assert_eq!(
        shop.sold("2026-11-28"),
        ["A 4500"],
        "an offer for some days"
    );
    assert_eq!(
        shop.sold("2026-11-30"),
        ["A 5000"],
        "and the price before is back"
    );
    assert_eq!(shop.sold("2026-12-01"), ["A 5500"]);
    assert_eq!(
        shop.provider("2026-06-30")
            .min_plan_price
            .unwrap()
            .amount_cents,
        3_000
    );
}

#[test]
fn a_correction_of_a_day_replaces_what_began_that_day() {
    let shop = Shop::new();
    shop.import(&csv(&["bell,A,Plan A,,300,30,50,,,,"]));
    shop.import(&csv(&["bell,A,Plan A,,300,30,49,,,,"]));
    assert_eq!(shop.sold("2026-11-22"), ["A 4900"]);
    shop.import(&csv(&["bell,A,Plan A,,300,30,49,,2026-11-30,,"]));
    assert_eq!(shop.sold("2026-11-30"), ["A 4900"]);
    assert_eq!(shop.sold("2026-12-01"), [""; 0], "withdrawn");
}

#[test]
fn a_file_that_is_imported_again_changes_nothing() {
    let shop = Shop::new();
    let text = csv(&["bell,A,Plan A,,300,30,50,,,,"]);
    assert_eq!(
        shop.import(&text),
        PlansImported {
            version: 1,
            plans: 1,
            mobile: 0,
            changed: true
        }
    );
    let before = std::fs::read(shop.folder.path().join(PLANS_FILE)).unwrap();
    assert_eq!(
        shop.import(&text),
        PlansImported {
            version: 1,
            plans: 1,
            mobile: 0,
            changed: false
        }
    );
    assert_eq!(
        std::fs::read(shop.folder.path().join(PLANS_FILE)).unwrap(),
        before
    );
    // Going back to it after another one is a change.
    assert_eq!(
        shop.import(&csv(&["bell,A,Plan A,,300,30,60,,,,"])).version,
        2
    );
    assert_eq!(shop.import(&text).version, 3);
    assert_eq!(shop.sold("2026-11-22"), ["A 5000"]);
}

#[test]
fn a_complete_file_ends_what_it_does_not_name() {
    let shop = Shop::new();
    shop.import(&csv(&[
        "bell,A,Plan A,,300,30,50,,,,",
        "bell,B,Plan B,,300,30,60,,,,",
        "other,C,Plan C,,1,1,1,,,,",
    ]));
    let complete = PlansImport {
        complete: true,
        ..PlansImport::default()
    };
    shop.import_with(&complete, &csv(&["bell,A,Plan A,,300,30,50,2026-12-01,,,"]))
        .unwrap();
    assert_eq!(shop.sold("2026-11-22"), ["A 5000", "B 6000"]);
    assert_eq!(shop.sold("2026-12-01"), ["A 5000"]);
}

#[test]
fn plans_are_shown_where_they_are_sold() {
    let shop = Shop::new();
    shop.import(&csv(&[
        "bell,FIBER,F,Fiber,1,1,1,,,,",
        "bell,CABLE,C,cable,1,1,2,,,,",
        "bell,MI,M,,1,1,3,,,MI;OH,",
        "bell,OH,O,,1,1,4,,,OH,",
        "bell,HERE,H,dsl,1,1,5,,,,48034; 48075",
        "bell,THERE,T,,1,1,6,,,,48201",
    ]));
    assert_eq!(shop.sold("2026-11-22"), ["FIBER 100", "MI 300", "HERE 500"]);
}

#[test]
fn whose_plan_it_is_can_be_said_by_frn_id_or_brand_and_all_must_agree() {
    let shop = Shop::new();
    shop.import(
        "frn,provider_id,brand_name,sku,name,download_speed,upload_speed,price\n\
         0000000001,,,A,A,1,1,1\n,11,,B,B,1,1,1\n,,BELL,C,C,1,1,1\n1,11,Bell,D,D,1,1,1\n1,12,,E,E,1,1,1\n2,11,,F,F,1,1,1\n",
    );
    assert_eq!(
        shop.sold("2026-11-22"),
        ["A 100", "B 100", "C 100", "D 100"]
    );
}

#[test]
fn every_field_of_a_product_can_be_said_in_csv_and_in_json() {
    let shop = Shop::new();
    let csv = "frn,provider_logo,telephone,url,button_label,promo_text,url_promo_text,sku,name,technology,position,description,\
        download_speed,upload_speed,data_limit,channel_count,streaming_apps,is_required_to_checkout,is_contract_required,\
        is_modem_router_included,is_bundle_qualifier,is_local_checkout,required_with_plans,price,introductory_months,\
        regular_price,contract_months,one_time_fees,monthly_fees,typical_latency_ms,bundle_discounts\n\
        1,https://x.example/l.png,(248) 555-0100,https://x.example/,Go,Half price,Link,A,Plan A,FIBER,7,\"Fast, cheap\",\
        50-100,20.5,1200 GB,3,One; Two,false,true,yes,no,0,X;Y,19.99,12,\"1,029.90\",24,Activation=35; Install=99.00,\
        Modem=14.00,9,\"{\"\"tv\"\":10}\"\n";
    shop.import(csv);
    let one = shop.provider("2026-11-22");
    let json = r#"{"plans": [{"frn": 1, "provider_logo": "https://x.example/l.png", "telephone": "+12485550100",
        "url": "https://x.example/", "button_label": "Go", "promo_text": "Half price", "url_promo_text": "Link", "sku": "A",
        "name": "Plan A", "technology": "fiber", "position": 7, "description": "Fast, cheap", "download_speed": "50-100",
        "upload_speed": 20.5, "data_limit": "1200 GB", "channel_count": 3, "streaming_apps": ["One", "Two"],
        "is_required_to_checkout": false, "is_contract_required": true, "is_modem_router_included": true,
        "is_bundle_qualifier": false, "is_local_checkout": false, "required_with_plans": ["X", "Y"], "price": 19.99,
        "introductory_months": 12, "regular_price": "1029.90", "contract_months": 24,
        "one_time_fees": [{"name": "Activation", "price": 35}, {"name": "Install", "price": "99.00"}],
        "monthly_fees": "Modem=14.00", "typical_latency_ms": 9, "bundle_discounts": {"tv": 10}}]}"#;
    shop.import(json);
    assert_eq!(
        Catalogue::load(shop.folder.path()).unwrap().versions.len(),
        2
    );
    let two = shop.provider("2026-11-22");
    assert_eq!(one, two);
    let product = &one.product_catalog[0].products[0];
    assert_eq!(
        (
            product.price.amount_cents,
            product.technology.as_str(),
            product.is_introductory_price
        ),
        (1_999, "fiber", true)
    );
    assert_eq!(
        product.regular_price.as_ref().unwrap().amount_cents,
        102_990
    );
    assert_eq!(product.one_time_fees[1].price.amount_cents, 9_900);
    assert_eq!(one.telephone.as_deref(), Some("+12485550100"));
    assert_eq!(
        (
            one.provider_promo.promo_text.as_str(),
            one.url_promo.promo_text.as_str()
        ),
        ("Half price", "Link")
    );
    assert_eq!(product.id.len(), 36);
}

#[test]
fn a_bad_file_is_told_all_its_problems_and_changes_nothing() {
    let shop = Shop::new();
    shop.import(&csv(&["bell,A,Plan A,,300,30,50,,,,"]));
    let before = std::fs::read(shop.folder.path().join(PLANS_FILE)).unwrap();
    let bad = csv(&[
        ",A,Plan,,1,1,5,,,,",
        "bell,,Plan,carrier pigeon,fast,1,4.999,,,,",
        "bell,C,,,1,,,2026-02-30,x,Michigan,1234",
        "bell,D,Plan,,1,1,5,2026-02-02,2026-02-01,,",
        "bell,E",
        "bell,F,Plan,,1,1,5,,,,",
        "bell,F,Plan,,1,1,6,,,,",
    ]);
    let error = shop
        .import_with(&PlansImport::default(), &bad)
        .unwrap_err()
        .to_string();
    for expected in [
        "row 2, column brand_name: it must be given",
        "row 3, column sku: it must be given",
        "row 3, column technology is \"carrier pigeon\"; it must be one of fiber",
        "row 3, column download_speed is \"fast\"",
        "row 3, column price is \"4.999\"; it must be an amount",
        "row 4, column name",
        "row 4, column upload_speed: it must be given",
        "row 4, column price: it must be given",
        "row 4, column effective_from is \"2026-02-30\"; it must be a day such as",
        "row 4, column effective_to",
        "row 4, column states is \"Michigan\"",
        "row 4, column zips is \"1234\"",
        "row 5, column effective_to is \"2026-02-01\"",
        "row 6, column (all) is \"2 values\"",
        "row 8, column sku is \"F\"; it must be the only one",
    ] {
        assert!(error.contains(expected), "{expected} is not in:\n{error}");
    }
    assert_eq!(
        std::fs::read(shop.folder.path().join(PLANS_FILE)).unwrap(),
        before
    );
    for (text, expected) in [
        (
            "brand_name,prize,sku\nbell,4,A\n",
            "column prize is \"not a known column\"; it must be one of frn",
        ),
        ("[{\"price\": ", "readable as JSON"),
        ("{}", "a list of plans"),
        ("[1]", "it must be an object"),
        ("", "there is none"),
        ("brand_name,sku\n", "there is none"),
        ("brand_name,sku\n\"bell", "values"),
    ] {
        let error = shop
            .import_with(&PlansImport::default(), text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{expected} is not in:\n{error}");
    }
    let options = PlansImport {
        states: vec!["Ohio".into()],
        technology: Some("string".into()),
        ..PlansImport::default()
    };
    let error = shop
        .import_with(&options, &csv(&["bell,A,Plan A,,300,30,50,,,,"]))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("states is \"Ohio\"; it must be")
            && error.contains("technology is \"string\""),
        "{error}"
    );
}

#[test]
fn labels_are_read_whatever_the_case_of_their_columns() {
    let snake = "unique_plan_id,provider_name,service_plan_name,tier_plan_name,connection_type,monthly_price,intro_rate,\
        intro_rate_price,intro_rate_time,contract_req,contract_time,contract_terms_url,early_termination_fee,\
        single_purchase_fee_descr,single_purchase_fees,monthly_provider_fee_descr,monthly_provider_fee,tax,\
        bundle_discounts_url,typical_download_speed,typical_upload_speed,typical_latency,monthly_data_allow,\
        over_usage_data_price,additional_data_increment,data_allowance_policy_url,network_management_policy_url,\
        privacy_policy_url,customer_support_phone,customer_support_web";
    let rows = "F0000000001123ABC456EMC789,Bell Inc.,10G Unlimited,Gold,Fixed,59.95,Yes,39.95,6,Yes,24,https://x.example/t,90,\
        Equipment cost; installation fee,25.00; 50.00,Equipment rental; virus protection,9.95;4.00,Included,NULL,43.6,4.07,\
        13.9,50,5,10,,,,1 (800) 555-0100,https://x.example/help\n\
        F0000000001PLAIN,Bell Inc.,Plain,NULL,Fixed,50.00,No,NULL,NULL,No,NULL,,NULL,NULL,NULL,,,Varies,,100,10,20,NULL,,,,,,,\n\
        M0000000001MOBILE,Bell Inc.,Phone,,Mobile,20,No,,,No,,,,,,,,,,50,5,30,,,,,,,,\n";
    let camel = snake
        .split(',')
        .map(|name| name.replace('_', " ").to_uppercase())
        .collect::<Vec<_>>()
        .join(",");
    for header in [snake, &camel] {
        let shop = Shop::new();
        let options = PlansImport {
            states: vec!["mi".into()],
            technology: Some("Fiber".into()),
            ..PlansImport::default()
        };
        let imported = shop
            .import_with(&options, &format!("{header}\n{rows}"))
            .unwrap();
        assert_eq!((imported.plans, imported.mobile), (2, 1));
        let provider = shop.provider("2026-11-22");
        assert_eq!(provider.telephone.as_deref(), Some("+18005550100"));
        assert_eq!(
            provider.min_plan_price.as_ref().unwrap().amount_cents,
            3_995
        );
        let products = &provider.product_catalog[0].products;
        let gold = &products[0];
        assert_eq!(gold.name, "10G Unlimited (Gold)");
        assert_eq!(gold.sku, "F0000000001123ABC456EMC789");
        assert_eq!(
            (gold.price.amount_cents, gold.introductory_months),
            (3_995, Some(6))
        );
        assert_eq!(gold.regular_price.as_ref().unwrap().amount_cents, 5_995);
        assert_eq!(
            (gold.is_contract_required, gold.contract_months),
            (true, 24)
        );
        let fees: Vec<_> = gold
            .one_time_fees
            .iter()
            .chain(&gold.monthly_fees)
            .map(|fee| fee.price.amount_cents)
            .collect();
        assert_eq!(fees, [2_500, 5_000, 995, 400]);
        assert_eq!(
            (gold.download_speed.as_str(), gold.data_limit.as_str()),
            ("43.6", "50 GB")
        );
        assert_eq!(
            (gold.typical_latency_ms, gold.technology.as_str()),
            (Some(14), "fiber")
        );
        assert_eq!(
            gold.description,
            "Early termination fee: $90. Additional data: $5 for each 10 GB. Taxes are included."
        );
        let plain = &products[1];
        assert_eq!(
            (
                plain.price.amount_cents,
                plain.regular_price.as_ref(),
                plain.data_limit.as_str()
            ),
            (5_000, None, "Unlimited")
        );
        assert_eq!(
            (
                plain.name.as_str(),
                plain.contract_months,
                plain.one_time_fees.len()
            ),
            ("Plain", 0, 0)
        );
    }
}

#[test]
fn a_label_with_other_fees_than_names_is_refused() {
    let shop = Shop::new();
    let text = "unique_plan_id,service_plan_name,monthly_price,single_purchase_fee_descr,single_purchase_fees,\
        typical_download_speed,typical_upload_speed\n\
        F0000000001A,A,50,One,1.00;2.00,1,1\nX1,B,50,,,1,1\n";
    let error = shop
        .import_with(&PlansImport::default(), text)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(
            "row 2, column single_purchase_fee_descr is \"One\"; it must be as many names"
        ),
        "{error}"
    );
    assert!(
        error.contains("row 3, column unique_plan_id is \"X1\""),
        "{error}"
    );
}
