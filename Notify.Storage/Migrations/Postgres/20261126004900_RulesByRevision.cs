using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Notify.Storage.Migrations.Postgres
{
    /// <inheritdoc />
    internal sealed partial class RulesByRevision : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "groups_rule_revision",
                table: "groups",
                column: "rule_revision",
                filter: "rule IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "groups_rule_revision",
                table: "groups");
        }
    }
}
