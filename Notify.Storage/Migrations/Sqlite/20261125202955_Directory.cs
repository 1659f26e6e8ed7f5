using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Notify.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    internal sealed partial class Directory : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<byte[]>(
                name: "answers",
                table: "appends",
                type: "BLOB",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "last_change",
                table: "appends",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.CreateTable(
                name: "api_keys",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    number = table.Column<long>(type: "INTEGER", nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    hash = table.Column<byte[]>(type: "BLOB", nullable: false),
                    publish = table.Column<string>(type: "TEXT", nullable: false),
                    subscribe = table.Column<string>(type: "TEXT", nullable: false),
                    admin = table.Column<bool>(type: "INTEGER", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    expires_at = table.Column<long>(type: "INTEGER", nullable: true),
                    last_used_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_api_keys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "devices",
                columns: table => new
                {
                    user_id = table.Column<long>(type: "INTEGER", nullable: false),
                    device = table.Column<string>(type: "TEXT", nullable: false),
                    epoch = table.Column<byte[]>(type: "BLOB", nullable: false),
                    version = table.Column<long>(type: "INTEGER", nullable: false),
                    seen_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_devices", x => new { x.user_id, x.device });
                });

            migrationBuilder.CreateTable(
                name: "directory",
                columns: table => new
                {
                    id = table.Column<short>(type: "INTEGER", nullable: false),
                    rules_revision = table.Column<long>(type: "INTEGER", nullable: false),
                    keys_stored = table.Column<bool>(type: "INTEGER", nullable: false),
                    stamp = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_directory", x => x.id);
                    table.CheckConstraint("one_directory", "id = 1");
                });

            migrationBuilder.CreateTable(
                name: "groups",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    since = table.Column<long>(type: "INTEGER", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: false),
                    rule = table.Column<string>(type: "TEXT", nullable: true),
                    rule_revision = table.Column<long>(type: "INTEGER", nullable: false),
                    pending = table.Column<bool>(type: "INTEGER", nullable: false),
                    members = table.Column<long>(type: "INTEGER", nullable: false),
                    lease_owner = table.Column<byte[]>(type: "BLOB", nullable: true),
                    lease_expires_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_groups", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "memberships",
                columns: table => new
                {
                    user_id = table.Column<long>(type: "INTEGER", nullable: false),
                    group_id = table.Column<long>(type: "INTEGER", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: false),
                    since = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_memberships", x => new { x.user_id, x.until, x.group_id });
                });

            migrationBuilder.CreateTable(
                name: "subscriptions",
                columns: table => new
                {
                    user_id = table.Column<long>(type: "INTEGER", nullable: false),
                    filter = table.Column<string>(type: "TEXT", nullable: false),
                    until = table.Column<long>(type: "INTEGER", nullable: false),
                    since = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_subscriptions", x => new { x.user_id, x.until, x.filter });
                });

            migrationBuilder.CreateTable(
                name: "token_revocations",
                columns: table => new
                {
                    user_id = table.Column<long>(type: "INTEGER", nullable: false),
                    issued_before = table.Column<long>(type: "INTEGER", nullable: false),
                    version = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_token_revocations", x => x.user_id);
                });

            migrationBuilder.CreateTable(
                name: "users",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    attributes = table.Column<string>(type: "TEXT", nullable: true),
                    attributes_stamp = table.Column<long>(type: "INTEGER", nullable: false, defaultValue: 0L),
                    claims_issued_at = table.Column<long>(type: "INTEGER", nullable: true),
                    last_seen_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_users", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "api_keys_number",
                table: "api_keys",
                column: "number",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "groups_ended",
                table: "groups",
                column: "id",
                filter: "members > 0 AND until <> 9223372036854775807");

            migrationBuilder.CreateIndex(
                name: "groups_name",
                table: "groups",
                column: "name",
                unique: true,
                filter: "until = 9223372036854775807");

            migrationBuilder.CreateIndex(
                name: "groups_pending",
                table: "groups",
                column: "id",
                filter: "pending");

            migrationBuilder.CreateIndex(
                name: "memberships_group",
                table: "memberships",
                columns: new[] { "group_id", "user_id" },
                unique: true,
                filter: "until = 9223372036854775807");

            migrationBuilder.CreateIndex(
                name: "users_attributes_stamp",
                table: "users",
                column: "attributes_stamp");

            migrationBuilder.CreateIndex(
                name: "users_name",
                table: "users",
                column: "name",
                unique: true);

            migrationBuilder.Sql("INSERT INTO directory (id, rules_revision, keys_stored, stamp) VALUES (1, 0, 0, 0);");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "api_keys");

            migrationBuilder.DropTable(
                name: "devices");

            migrationBuilder.DropTable(
                name: "directory");

            migrationBuilder.DropTable(
                name: "groups");

            migrationBuilder.DropTable(
                name: "memberships");

            migrationBuilder.DropTable(
                name: "subscriptions");

            migrationBuilder.DropTable(
                name: "token_revocations");

            migrationBuilder.DropTable(
                name: "users");

            migrationBuilder.DropColumn(
                name: "answers",
                table: "appends");

            migrationBuilder.DropColumn(
                name: "last_change",
                table: "appends");
        }
    }
}
