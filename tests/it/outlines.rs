//! The clauses of documents: as a tree, by address, with what they refer to; and for nobody who may not read them.

use crate::support::app::TestApp;
use crate::support::files;
use reqwest::StatusCode;
use serde_json::Value;
use serde_json::json;

const LEASE_ZH: &str = "房屋租赁合同\n\n本合同所称“房屋”是指附件一所列房屋。\n\n第一章 租金\n\n第一条 租金为每月八千元。\n\n\
    第二条 乙方应当于每月五日前支付。\n\n乙方逾期支付的，依照第四条的规定处理：\n\n（一）支付违约金；\n\n（二）赔偿损失。\n\n\
    第二章 解除\n\n第三条 任何一方可以提前九十日书面通知解除。\n\n第四条 违约金为月租金的百分之五，另见《民法典》第五百八十五条。\n\n\
    附件一 房屋清单\n\n1. 海港街4号。\n";

async fn clause(app: &TestApp, id: &str, address: &str) -> (StatusCode, Value) {
    app.get(&format!("/api/v1/documents/{id}/clauses/{address}")).await
}

#[tokio::test]
async fn a_pdf_lease_is_a_tree_whose_articles_are_found_by_address() {
    let app = TestApp::start().await;
    let collection = app.collection("contracts").await;
    let document = app.document(&collection, "lease.pdf", &files::pdf(files::LEASE)).await;
    let id = document["id"].as_str().unwrap();

    let (_, outline) = app.get(&format!("/api/v1/documents/{id}/outline")).await;

    let shown: Vec<_> = outline["data"].as_array().unwrap().iter().map(|one| &one["address"]).collect();
    assert_eq!(shown, ["Article 1", "Article 2", "Article 3", "Article 4"], "{outline}");
    let (_, found) = clause(&app, id, "Article%203").await;
    assert_eq!((&found["title"], &found["page"]), (&json!("Term and termination"), &json!(2)), "{found}");
    assert!(found["text"].as_str().unwrap().contains("ninety days"), "{found}");
    app.stop().await;
}

#[tokio::test]
async fn a_chinese_contract_is_read_to_its_paragraphs_items_and_references() {
    let app = TestApp::start().await;
    let collection = app.collection("合同").await;
    let document = app.document(&collection, "租赁.txt", LEASE_ZH.as_bytes()).await;
    let id = document["id"].as_str().unwrap();

    let (_, outline) = app.get(&format!("/api/v1/documents/{id}/outline")).await;
    let (_, paragraph) = clause(&app, id, "第二条第二款").await;
    let (_, item) = clause(&app, id, "第二条第二款第（二）项").await;
    let (_, fourth) = clause(&app, id, "第4条").await;

    let chapter = &outline["data"][0];
    assert_eq!(
        (&chapter["address"], &chapter["title"], &chapter["depth"]),
        (&json!("第1章"), &json!("租金"), &json!(1))
    );
    assert_eq!(outline["definitions"][0]["term"], "房屋", "{outline}");
    assert!(paragraph["text"].as_str().unwrap().starts_with("乙方逾期支付的"), "{paragraph}");
    assert_eq!(paragraph["references"][0]["address"], "第4条", "{paragraph}");
    assert_eq!(item["text"].as_str().unwrap().trim(), "（二）赔偿损失。");
    assert_eq!(item["opening"], "赔偿损失。");
    assert_eq!(item["heading_path"], json!(["第一章 租金", "第二条"]));
    assert_eq!(fourth["references"], json!([]), "an article of another law leads nowhere here: {fourth}");
    app.stop().await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_says_so() {
    let app = TestApp::start().await;
    let collection = app.collection("texts").await;
    let document = app.document(&collection, "租赁.txt", LEASE_ZH.as_bytes()).await;
    let id = document["id"].as_str().unwrap();

    let (status, problem) = clause(&app, id, "第九条").await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("not_found")), "{problem}");
    let (status, problem) = clause(&app, id, "something%20else").await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("malformed_address")),
        "{problem}"
    );
    let (status, problem) = clause(&app, id, "第一条?version=7").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    app.stop().await;
}
